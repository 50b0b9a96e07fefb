import { existsSync, readFileSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { parleyHome, startParley } from './parley.ts'

/** A command that stays, up to its one line of JSON. */
async function started(home: string, args: readonly string[]) {
  const { child, ended, said } = startParley(home, [...args, '--json'])
  onTestFinished(() => void child.kill('SIGKILL'))
  const line = await Promise.race([
    new Promise<string>(resolve => createInterface({ input: child.stdout }).once('line', resolve)),
    ended.then(({ stderr }) => Promise.reject(new TypeError(`it ended: ${stderr}`))),
  ])
  const stop = async () => {
    child.kill('SIGTERM')
    return (await ended).code
  }
  return { ready: JSON.parse(line), stop, said }
}

test('a node starts with nothing set up, answers, is seen by the commands, and ends cleanly', async () => {
  const { home, run, json, file } = parleyHome()
  const { ready, stop } = await started(home, ['up', '--http-port', '0'])
  expect(ready).toMatchObject({ v: 1, baseUrl: expect.stringMatching(/\/v1$/), apiKey: expect.stringMatching(/^sk-/) })
  expect(statSync(file('state/run/node.json')).mode & 0o777).toBe(0o600)
  expect(await json(['status'])).toMatchObject({ code: 0, value: { v: 1, pid: ready.pid, models: ['parley-nano'] } })
  expect((await run(['status', '--quick'])).code).toBe(0)
  expect((await json(['models'])).value).toMatchObject({ v: 1, models: [{ id: 'parley-nano' }] })
  expect((await json(['doctor'])).value).toMatchObject({ v: 1, healthy: true })
  const second = await run(['up', '--http-port', '0'])
  expect(second).toMatchObject({ code: 9, stderr: expect.stringContaining('another node') })
  expect(await stop()).toBe(0)
  expect(existsSync(file('state/run/node.json'))).toBe(false)
  expect((await run(['status'])).code).toBe(7)
}, 120_000)

test('the page is opened by an address that lets somebody in once, also later', async () => {
  const { home, run, json } = parleyHome()
  expect((await run(['open'])).code).toBe(7)
  const { ready, stop } = await started(home, ['up', '--http-port', '0', '--no-models-nano'])
  const later = (await json(['open'])).value as unknown as { pageUrl: string }
  const { stdout } = await run(['open', '--no-open'])
  const links = [ready.pageUrl, later.pageUrl, stdout.trim()].map(link => new URL(link))
  expect(new Set(links.map(({ hash }) => hash)).size).toBe(3)
  for (const { origin, pathname, hash } of links) {
    expect([`${origin}/v1`, pathname]).toEqual([ready.baseUrl, '/'])
    const redeem = async () => {
      const body = JSON.stringify({ code: hash.replace('#code=', '') })
      const headers = { 'content-type': 'application/json' }
      return (await fetch(`${origin}/api/auth/link/redeem`, { method: 'POST', headers, body })).status
    }
    expect([await redeem(), await redeem()]).toEqual([200, 401])
  }
  const closed = await run(['open', '--no-ui-enabled'])
  expect([closed.code === 0, closed.stderr]).toEqual([false, expect.stringContaining('ui.enabled')])
  expect(await stop()).toBe(0)
}, 120_000)

test('chat streams to stdout, reads a prompt from stdin, and names a model that is not there', async () => {
  const { home, run, json } = parleyHome()
  const { stop } = await started(home, ['up', '--http-port', '0'])
  const asked = await run(['chat', 'parley-nano', 'What is 7 plus 5?', '--temperature', '0'])
  expect(asked).toMatchObject({ code: 0, stdout: '7 + 5 = 12\n', stderr: '' })
  const piped = await json(['run', 'parley-nano', '--temperature', '0'], { input: 'What is 7 plus 5?' })
  expect(piped.value).toMatchObject({ v: 1, text: '7 + 5 = 12', finishReason: 'stop', usage: { completion_tokens: 8 } })
  expect(await run(['chat', 'nobody', 'Hi'])).toMatchObject({ code: 7, stdout: '' })
  expect((await run(['chat', 'parley-nano'], { input: '' })).code).toBe(2)
  expect(await stop()).toBe(0)
}, 120_000)

test('the key is shown at the first start only', async () => {
  const { home } = parleyHome()
  const first = await started(home, ['up', '--http-port', '0', '--no-models-nano'])
  await first.stop()
  const second = await started(home, ['up', '--http-port', '0', '--no-models-nano'])
  await second.stop()
  expect([typeof first.ready.apiKey, second.ready.apiKey]).toEqual(['string', null])
}, 120_000)

test('a node that listens for other machines has to be told so, and the commands here reach it', async () => {
  const { home, run } = parleyHome()
  const open = ['up', '--http-host', '0.0.0.0', '--http-port', '0', '--no-models-nano']
  const refused = await run(open)
  expect(refused).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('http.allowRemote = true') })
  const keyless = await run([...open, '--http-allow-remote', '--no-http-require-key'])
  expect(keyless).toMatchObject({ code: 3, stderr: expect.stringContaining('anybody could spend your money') })
  const { ready, stop } = await started(home, [...open, '--http-allow-remote'])
  expect(ready.baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
  expect((await run(['status'])).code).toBe(0)
  expect(await stop()).toBe(0)
}, 120_000)

test('a port that is taken ends with exit 9 and says so', async () => {
  const [one, other] = [parleyHome(), parleyHome()]
  const { ready, stop } = await started(one.home, ['up', '--http-port', '0', '--no-models-nano'])
  const { port } = new URL(ready.baseUrl)
  const second = await other.run(['up', '--http-port', port, '--no-models-nano'])
  expect(second.code).toBe(9)
  expect(second.stderr).toContain(port)
  await stop()
}, 120_000)

test('parley dev is a whole market: an app is answered by a paid provider and the receipt verifies', async () => {
  const { home, run, file } = parleyHome()
  const { ready, stop, said } = await started(home, ['dev'])
  const { baseUrl, apiKey, model, homes, pids, provider } = ready
  expect(ready).toMatchObject({ v: 1, chainId: 31_337, embeddingModel: 'parley-nano', peerId: expect.any(String) })
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, temperature: 0, messages: [{ role: 'user', content: 'What is 7 plus 5?' }] }),
  })
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: '7 + 5 = 12' } }] })
  const asUser = (args: string[], input?: string) =>
    startParley(homes.user, args, input === undefined ? {} : { input }).ended
  const receipt = await asUser(['session', 'receipt'])
  expect(receipt.code).toBe(0)
  expect(await run(['verify', '-', '--signer', provider], { input: receipt.stdout })).toMatchObject({ code: 0 })
  const forged = receipt.stdout.replace(/"charge": "\d+"/, '"charge": "1"')
  expect(forged).not.toBe(receipt.stdout)
  const refused = await run(['verify', '-', '--signer', provider], { input: forged })
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('receipt_invalid') })
  expect(await stop(), said().stderr).toBe(0)
  expect(existsSync(homes.user)).toBe(false)
  for (const pid of Object.values<number>(pids)) expect(isRunning(pid), `process ${pid}`).toBe(false)
  expect(existsSync(file('dev'))).toBe(true)
}, 180_000)

/** A process that ended and waits for its parent to notice does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
