import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingBrowser, openBrowser, visit } from './browser.ts'
import { startNode, type UiNode } from './node.ts'

/**
 * Pages of others in the browser of somebody who is signed in. They try what a browser lets pages try; the node must not change,
 * spend or tell anything.
 */
const attack = `<!doctype html><meta charset="utf-8"><title>hostile</title><body><script>
const told = []
const note = name => value => void told.push(name + ': ' + String(value).slice(0, 200))
async function attack(target) {
  const get = ['/api/auth/me', '/api/keys', '/api/chats', '/api/requests', '/api/wallet', '/v1/models', '/api/status', '/metrics', '/api/openapi.json', '/']
  const post = [['/api/keys', { name: 'stolen' }], ['/api/auth/refresh', {}], ['/api/auth/link', {}], ['/api/escrow/deposit', { amount: '1' }],
    ['/api/reload', {}], ['/v1/chat/completions', { model: 'parley-nano', messages: [{ role: 'user', content: 'spend' }] }], ['/api/auth/logout', {}]]
  const tries = []
  for (const path of get) for (const credentials of ['include', 'omit']) for (const mode of ['cors', 'no-cors'])
    tries.push(fetch(target + path, { credentials, mode }).then(async answer => { const text = await answer.text(); if (text !== '') note('read ' + path)(answer.status + text) }, () => {}))
  for (const [path, body] of post) for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded'])
    for (const mode of ['cors', 'no-cors'])
      tries.push(fetch(target + path, { method: 'POST', mode, credentials: 'include', headers: { 'content-type': type }, body: JSON.stringify(body) })
        .then(async answer => { const text = await answer.text(); if (text !== '') note('posted ' + path)(answer.status + text) }, () => {}))
  for (const [path, body] of post) {
    navigator.sendBeacon(target + path, new Blob([JSON.stringify(body)], { type: 'text/plain' }))
    const frame = document.createElement('iframe'); frame.name = 'f' + Math.random(); document.body.append(frame)
    const form = document.createElement('form'); form.method = 'post'; form.action = target + path; form.target = frame.name; form.enctype = 'text/plain'
    const field = document.createElement('input'); field.name = JSON.stringify(body).slice(0, -1) + ',"x":"'; field.value = '"}'; form.append(field); document.body.append(form); form.submit()
  }
  for (const path of get) {
    for (const tag of ['img', 'script', 'iframe', 'embed', 'video', 'link']) {
      const element = document.createElement(tag)
      if (tag === 'link') { element.rel = 'stylesheet'; element.href = target + path } else element.src = target + path
      element.onload = () => tag === 'iframe' || tag === 'embed' || tag === 'link' || note('loaded ' + tag + ' ' + path)('')
      document.body.append(element)
    }
  }
  const socket = new WebSocket(target.replace('http', 'ws') + '/api/events'); socket.onopen = note('socket'); socket.onerror = () => {}
  const opened = window.open(target + '/', 'opened')
  await Promise.allSettled(tries)
  await new Promise(resolve => setTimeout(resolve, 1500))
  for (const frame of document.querySelectorAll('iframe')) { try { const text = frame.contentDocument?.body?.innerText; if (text) note('frame')(text) } catch {} }
  try { const text = opened?.document?.body?.innerText; if (text) note('opened')(text) } catch {}
  return told
}
</script>`

interface State {
  readonly keys: number
  readonly requests: number
  readonly sessions: number
  readonly chats: number
}

describe.skipIf(missingBrowser)(`pages of others (${missingBrowser ?? 'Chromium'})`, () => {
  let node: UiNode
  let browser: Browser
  let context: BrowserContext
  let token: string
  let folder: string
  const closing: (() => Promise<unknown>)[] = []

  const read = async (path: string): Promise<{ total: number }> =>
    (await (await fetch(`${node.origin}/api/${path}`, { headers: { authorization: `Bearer ${token}` } })).json()) as {
      total: number
    }
  const state = async (): Promise<State> => {
    const [keys, requests, sessions, chats] = await Promise.all(['keys', 'requests', 'sessions', 'chats'].map(read))
    return { keys: keys!.total, requests: requests!.total, sessions: sessions!.total, chats: chats!.total }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-hostile-'))
    await writeFile(join(folder, 'page.html'), attack)
    node = await startNode()
    browser = await openBrowser('--host-resolver-rules=MAP evil.example 127.0.0.1', '--allow-file-access-from-files')
    const { context: signedIn, page } = await visit(browser, node.pageUrl)
    context = signedIn
    // Who reloads before the code was redeemed has lost it.
    await page.getByRole('navigation').first().waitFor()
    const renewal = page.waitForResponse(response => response.url().endsWith('/api/auth/me') && response.ok())
    await page.reload()
    token = ((await (await renewal).request().allHeaders()).authorization ?? '').slice('Bearer '.length)
    expect(token).not.toBe('')
  }, 90_000)

  afterAll(async () => {
    await browser?.close()
    await node?.stop()
    for (const close of closing) await close()
    await rm(folder, { recursive: true, force: true })
  })

  async function serve(): Promise<number> {
    const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(attack))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    closing.push(
      () =>
        new Promise(resolve => {
          server.closeAllConnections()
          server.close(resolve)
        }),
    )
    return (server.address() as AddressInfo).port
  }

  async function attackFrom(url: string, target: string): Promise<readonly string[]> {
    const before = await state()
    const page = await context.newPage()
    await page.goto(url)
    const told = await page.evaluate(
      async where => await (globalThis as unknown as { attack: (target: string) => Promise<string[]> }).attack(where),
      target,
    )
    for (const each of context.pages().slice(1)) await each.close()
    expect(await state()).toEqual(before)
    return told
  }

  test('on another port of this machine', async () => {
    expect(await attackFrom(`http://127.0.0.1:${await serve()}/`, node.origin)).toEqual([])
  }, 60_000)

  test('under another name of this machine', async () => {
    expect(await attackFrom(`http://localhost:${await serve()}/`, node.origin)).toEqual([])
  }, 60_000)

  test('from a file', async () => {
    expect(await attackFrom(pathToFileURL(join(folder, 'page.html')).href, node.origin)).toEqual([])
  }, 60_000)

  test('a name that was bound to this machine', async () => {
    const port = new URL(node.origin).port
    const page = await context.newPage()
    const answer = await page.goto(`http://evil.example:${port}/`)
    expect(answer?.status()).toBe(403)
    expect(await page.content()).not.toContain('data-home')
    await page.close()
    expect(await attackFrom(`http://evil.example:${await serve()}/`, `http://evil.example:${port}`)).toEqual([])
  }, 60_000)

  test('whoever is signed in still is', async () => {
    const { keys } = await state()
    expect(keys).toBeGreaterThan(0)
    const [page] = context.pages()
    await page!.reload()
    await page!.getByRole('navigation').first().waitFor()
  })
})
