import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFetchOut } from '../../src/node/fetch-out.ts'

let port: number
let hits = 0
const server = createServer((request, response) => {
  hits++
  if (request.url === '/moved') response.writeHead(307, { location: `http://127.0.0.1:${port}/there` }).end()
  else response.end('ok')
})

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const init = () => ({ method: 'POST', headers: {}, body: '{}', signal: AbortSignal.timeout(5_000) }) as const

/** Hosts in whatever notation that lead to this machine, the own network or a cloud's metadata. */
const inside = [
  ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]'],
  ...['[::ffff:7f00:1]', '0.0.0.0', '[::]', '10.0.0.1', '172.16.5.4', '192.168.1.1', '100.64.0.1', '[fd00::1]'],
  ...['[64:ff9b::7f00:1]', '[2002:7f00:1::]', '127.0.0.1.'],
]
const never = ['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]', '224.0.0.1', '255.255.255.255', '0.0.0.0']

test('no notation of an address leads inside, unless that is allowed', async () => {
  const fetchOut = createFetchOut({ allowPrivate: false })
  for (const host of inside) {
    await expect(fetchOut(`http://${host}:${port}/`, init()), host).rejects.toMatchObject({ code: 'forbidden' })
  }
  expect(hits).toBe(0)
  const response = await createFetchOut({ allowPrivate: true })(`http://127.0.0.1:${port}/`, init())
  expect(await response.text()).toBe('ok')
})

test('metadata of clouds is never reached, and no redirect is followed', async () => {
  const fetchOut = createFetchOut({ allowPrivate: true })
  for (const host of never) {
    await expect(fetchOut(`http://${host}/`, init()), host).rejects.toMatchObject({ code: 'forbidden' })
  }
  const before = hits
  await expect(fetchOut(`http://127.0.0.1:${port}/moved`, init())).rejects.toThrow()
  expect(hits).toBe(before + 1)
  await expect(fetchOut('file:///etc/passwd', init())).rejects.toMatchObject({ code: 'forbidden' })
})

test('an address outside is not refused', async () => {
  // Of a block that is not given out: nobody answers there, and nothing but time ends the attempt.
  const attempt = createFetchOut({ allowPrivate: false })('http://[2d00::1]/', {
    ...init(),
    signal: AbortSignal.timeout(50),
  })
  await expect(attempt).rejects.not.toMatchObject({ code: 'forbidden' })
})
