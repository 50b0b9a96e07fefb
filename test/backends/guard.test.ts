import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGuardedFetch, createUpstream } from '../../src/backends/index.ts'
import { hostReach, reachOf, urlFault } from '../../src/core/addresses/index.ts'
import { ParleyError, systemClock } from '../../src/core/index.ts'
import {
  closed,
  hostileUrls,
  lyingLookup,
  lyingNames,
  neverHosts,
  nobodysAddress,
  type Secret,
  startSecret,
} from '../ssrf-corpus.ts'

let secret: Secret
beforeAll(async () => {
  secret = await startSecret()
})
afterAll(() => secret.close())

const get = () => ({ method: 'GET', headers: {}, signal: AbortSignal.timeout(5_000) }) as const
const strict = () => createGuardedFetch({ allowPrivate: false, connectTimeoutMs: 200, lookup: lyingLookup() })

describe('what leads inside', () => {
  test('the corpus is as large as it says, and what it guards can be reached', async () => {
    expect(new Set(hostileUrls(1)).size).toBeGreaterThanOrEqual(160)
    const { fetch, close } = createGuardedFetch({ allowPrivate: true, connectTimeoutMs: 1_000 })
    expect(await (await fetch(`http://127.0.0.1:${secret.port}/`, get())).text()).toBe('secret')
    expect(await (await fetch(`http://[::1]:${secret.port}/`, get())).text()).toBe('secret')
    await close()
  })

  test('no form of an address is fetched', async () => {
    const before = secret.reached()
    const { fetch, close } = strict()
    for (const url of hostileUrls(secret.port)) {
      for (let times = 0; times < 2; times++) {
        const failure = await fetch(url, get()).catch((cause: unknown) => cause)
        expect(failure, url).toBeInstanceOf(ParleyError)
      }
    }
    await close()
    expect(secret.reached()).toBe(before)
  })

  test('no form of an address is dialled for an upstream that was set up over the network', async () => {
    const before = secret.reached()
    const bounds = { clock: systemClock, connectTimeoutMs: 200, maxConnections: 2, allowPrivate: false }
    for (const url of hostileUrls(secret.port).filter(each => /^https?:\/\//.test(each) && URL.canParse(each))) {
      const upstream = createUpstream({ name: 'up', url, ...bounds })
      await expect(upstream.models(AbortSignal.timeout(5_000)), url).rejects.toMatchObject({ code: 'backend_failed' })
      await upstream.close()
    }
    expect(secret.reached()).toBe(before)
  })

  test('metadata is never reached, not even by an upstream of the configuration file', async () => {
    const { fetch, close } = createGuardedFetch({ allowPrivate: true, connectTimeoutMs: 200, lookup: lyingLookup() })
    for (const host of neverHosts) {
      await expect(fetch(`http://${host}/`, get()), host).rejects.toMatchObject({ code: 'forbidden' })
    }
    await close()
    const bounds = { clock: systemClock, connectTimeoutMs: 200, maxConnections: 2 }
    const upstream = createUpstream({ name: 'up', url: 'http://169.254.169.254/v1', ...bounds })
    await expect(upstream.models(AbortSignal.timeout(5_000))).rejects.toThrow('may not be reached')
    await upstream.close()
  })
})

describe('names', () => {
  test('are judged by every address they have, at the time they are dialled', async () => {
    const { fetch, close } = strict()
    const codeOf = async (name: string) =>
      await fetch(`http://${name}:${secret.port}/`, get()).catch((cause: ParleyError) => cause.code)
    for (const name of lyingNames.filter(each => !/^(?:nothing|rebinding)/.test(each))) {
      expect(await codeOf(name), name).toBe('forbidden')
    }
    // The first answer leads nowhere, and is not refused; the second leads inside.
    expect(await codeOf('rebinding.example')).not.toBe('forbidden')
    expect(await codeOf('rebinding.example')).toBe('forbidden')
    await close()
  })

  test('that lead here are reached where that is allowed', async () => {
    const { fetch, close } = createGuardedFetch({ allowPrivate: true, connectTimeoutMs: 1_000, lookup: lyingLookup() })
    const response = await fetch(`http://inside.example:${secret.port}/`, get())
    expect(await response.text()).toBe('secret')
    await close()
  })
})

test('a redirect is not followed', async () => {
  const mover = createServer((request, response) => {
    const status = Number(request.url!.slice(1))
    response.writeHead(status, { location: `http://127.0.0.1:${secret.port}/` }).end()
  })
  await new Promise<void>(resolve => mover.listen(0, '127.0.0.1', resolve))
  const { port } = mover.address() as AddressInfo
  const { fetch, close } = createGuardedFetch({ allowPrivate: true, connectTimeoutMs: 1_000 })
  const before = secret.reached()
  for (const status of [301, 302, 303, 307, 308]) {
    await expect(fetch(`http://127.0.0.1:${port}/${status}`, get())).rejects.toMatchObject({ code: 'forbidden' })
  }
  expect(secret.reached()).toBe(before)
  await close()
  await closed(mover)
})

test('who is anybody is not refused', () => {
  for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '::ffff:8.8.8.8', nobodysAddress, '0x08080808']) {
    expect(reachOf(address), address).toBe('public')
  }
  expect(hostReach('api.example.com')).toBe('name')
  expect(hostReach('notlocalhost')).toBe('name')
  expect(urlFault('https://api.example.com/v1?x#y', { allowPrivate: false })).toBeUndefined()
  expect(urlFault('http://192.168.0.9:8080/', { allowPrivate: true })).toBeUndefined()
})

test('very many servers, one after the other, do not stand in the way of the next', async () => {
  const { fetch, close } = createGuardedFetch({ allowPrivate: true, connectTimeoutMs: 1_000 })
  for (let at = 0; at < 100; at++) {
    const response = await fetch(`http://127.0.${at}.1:${secret.port}/`, get())
    expect(await response.text()).toBe('secret')
  }
  await close()
})
