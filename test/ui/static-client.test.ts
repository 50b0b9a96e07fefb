import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HeaderProxy, startHeaderProxy } from '../../src/http/header-proxy/server.ts'
import { barriers } from './axe.ts'
import { missingBrowser, openBrowser, type Visit, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { type Host, startStaticHost } from './static-host.ts'
import { type Service, startService } from './static-service.ts'

const key = 'sk-test-7f3a91c0d2e84b56'
const passphrase = 'a long passphrase'
/** The pages may have to be built first. */
const buildMs = 240_000

describe.skipIf(missingBrowser)('the client without a node', () => {
  let host: Host
  let service: Service
  let proxy: HeaderProxy
  let browser: Browser
  let visitor: Visit
  const proxyLog: string[] = []
  const asked: string[] = []
  const said: string[] = []

  beforeAll(async () => {
    host = await startStaticHost(await builtPages())
    service = await startService(key, 'The quokka answers.')
    proxy = await startHeaderProxy({
      host: '127.0.0.1',
      port: 0,
      allowHosts: [new URL(service.origin).host],
      allowOrigins: [host.origin],
      allowLoopback: true,
      log: line => void proxyLog.push(JSON.stringify(line)),
    })
    browser = await openBrowser()
    visitor = await visit(browser, host.origin)
    visitor.page.on('request', request => void asked.push(`${request.url()}\n${JSON.stringify(request.headers())}`))
    visitor.page.on('console', message => void said.push(message.text()))
  }, buildMs)

  afterAll(async () => {
    await browser?.close()
    await proxy?.stop(0)
    await service?.stop()
    await host?.stop()
  })

  const dialog = (page: Page) => page.getByRole('dialog')

  test('invites to connect, and keeps a key under a passphrase', async () => {
    const { page } = visitor
    await page.getByRole('heading', { name: 'Connect to an AI service' }).waitFor()
    expect(await barriers(page)).toEqual([])
    await page.getByRole('button', { name: 'Another service' }).click()
    await dialog(page).getByLabel('Name').fill('Mine')
    await dialog(page).getByLabel('Base URL').fill('http://example.com/v1')
    await dialog(page).getByLabel('API key').fill(key)
    await dialog(page).getByLabel('Keep the key').selectOption('vault')
    await dialog(page).getByRole('button', { name: 'Save' }).click()
    await dialog(page).getByText('Only https is allowed').waitFor()
    await dialog(page).getByText('At least 8 characters.', { exact: true }).waitFor()
    await dialog(page).getByLabel('Base URL').fill(`${service.origin}/v1?key=${key}`)
    await dialog(page).getByText('An address holds no keys').waitFor()
    await dialog(page).getByLabel('Base URL').fill(`${service.origin}/v1`)
    await dialog(page).getByLabel('New passphrase').fill(passphrase)
    await dialog(page).getByLabel('Passphrase again').fill(passphrase)
    expect(await barriers(page)).toEqual([])
    await dialog(page).getByRole('button', { name: 'Save' }).click()
    await dialog(page).waitFor({ state: 'detached' })
  })

  test('says that the service refuses pages, and works through the header proxy', async () => {
    const { page } = visitor
    await page.getByRole('button', { name: 'Settings', exact: true }).click()
    await page.getByRole('link', { name: 'Connections' }).click()
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('refuses requests from web pages').waitFor()
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    await dialog(page).getByText('Header proxy and extra headers').click()
    await dialog(page).getByLabel('Header proxy').fill(proxy.url)
    await dialog(page).getByRole('button', { name: 'Save' }).click()
    await dialog(page).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('Works: 1 model').waitFor()
    expect(await barriers(page)).toEqual([])
  })

  test('chats', async () => {
    const { page } = visitor
    await page.getByRole('link', { name: 'New chat' }).click()
    await ask(page, 'Who answers?')
    await page.getByRole('main').getByText('The quokka answers.', { exact: true }).waitFor()
    await page
      .getByRole('list', { name: 'Chats' })
      .getByRole('link', { name: /Who answers/ })
      .waitFor()
    expect(service.accepted).toContain('POST /v1/chat/completions')
    expect(visitor.complaints.filter(text => !/CORS policy/.test(text))).toEqual([])
  })

  test('the key is nowhere but in the requests to the service', async () => {
    const { page } = visitor
    const kept = await dump(page)
    expect(kept).toContain('quokka')
    expect(kept).not.toContain(key)
    expect([...host.log, ...proxyLog, ...said].filter(text => text.includes(key))).toEqual([])
    const withKey = asked.filter(text => text.includes(key))
    expect(withKey.length).toBeGreaterThan(1)
    for (const text of withKey) {
      const [url = '', headers = ''] = text.split('\n')
      expect(url).not.toContain(key)
      expect(url.startsWith(`${proxy.url}/${service.origin}/`) || url.startsWith(`${service.origin}/`)).toBe(true)
      expect(JSON.parse(headers)).toMatchObject({ authorization: `Bearer ${key}` })
    }
    // What came to the service was asked by the proxy, with nothing of the page.
    const chats = service.log.filter(line => line.startsWith('POST /v1/chat/completions'))
    expect(chats.join('\n')).not.toMatch(/cookie|referer|127\.0\.0\.1:\d+"?,"?origin/i)
  })

  test('exports hold no key, and a sealed one where that is wished', async () => {
    const { page } = visitor
    await page.getByRole('link', { name: 'Storage' }).click()
    const plain = await exported(page)
    expect(plain).toContain('quokka')
    expect(plain).not.toContain(key)
    expect(plain).not.toContain('"keys"')
    await page.getByRole('checkbox', { name: /With connections/ }).click()
    await page.getByLabel('New passphrase').fill('another passphrase')
    await page.getByLabel('Passphrase again').fill('another passphrase')
    const sealed = await exported(page)
    expect(sealed).toContain('"keys"')
    expect(sealed).not.toContain(key)

    const other = await visit(browser, `${host.origin}/settings/storage`)
    await other.page
      .locator('input[type=file]')
      .setInputFiles({ name: 'parley.json', mimeType: 'application/json', buffer: Buffer.from(sealed) })
    await dialog(other.page).getByLabel('Passphrase').fill('not it at all')
    await dialog(other.page).getByRole('button', { name: 'Import' }).click()
    await dialog(other.page).getByText('does not open the keys').waitFor()
    await dialog(other.page).getByLabel('Passphrase').fill('another passphrase')
    await dialog(other.page).getByRole('button', { name: 'Import' }).click()
    await dialog(other.page).waitFor({ state: 'detached' })
    await other.page.getByRole('link', { name: 'New chat' }).click()
    await ask(other.page, 'And here?')
    await other.page.getByRole('main').getByText('The quokka answers.', { exact: true }).waitFor()
    expect(await dump(other.page)).not.toContain(key)
    await other.context.close()
  })

  test('after a reload the key is locked until the passphrase comes', async () => {
    const { page } = visitor
    await page.goto(host.origin)
    await page.getByRole('heading', { name: 'Your keys are locked' }).waitFor()
    await page.getByLabel('Passphrase').fill('not the passphrase')
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByText('does not open the keys').waitFor()
    await page.getByLabel('Passphrase').fill(passphrase)
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('heading', { name: 'Your keys are locked' }).waitFor({ state: 'detached' })
    await ask(page, 'Once more?')
    await page.getByRole('main').getByText('The quokka answers.', { exact: true }).waitFor()
  })

  test('a key does not follow its connection to another service', async () => {
    const { page } = visitor
    const other = await startService(key, 'Not for you.')
    try {
      await page.getByRole('button', { name: 'Settings', exact: true }).click()
      await page.getByRole('link', { name: 'Connections' }).click()
      await page.getByRole('button', { name: 'Edit', exact: true }).click()
      await dialog(page).getByLabel('Base URL').fill(`${other.origin}/v1`)
      await dialog(page).getByLabel('Header proxy').fill('')
      await dialog(page).getByRole('button', { name: 'Save' }).click()
      await dialog(page).waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Test', exact: true }).click()
      await page.getByText('refuses requests from web pages').waitFor()
      expect(other.log.length).toBeGreaterThan(0)
      expect(other.log.filter(line => line.includes(key))).toEqual([])
      await page.getByRole('button', { name: 'Edit', exact: true }).click()
      await dialog(page).getByLabel('Base URL').fill(`${service.origin}/v1`)
      await dialog(page).getByLabel('API key').fill(key)
      await dialog(page).getByText('Header proxy and extra headers').click()
      await dialog(page).getByLabel('Header proxy').fill(proxy.url)
      await dialog(page).getByRole('button', { name: 'Save' }).click()
      await dialog(page).waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Test', exact: true }).click()
      await page.getByText('Works: 1 model').waitFor()
    } finally {
      await other.stop()
    }
  })

  test('opens without a network, and shows what there is', async () => {
    const { page, context } = visitor
    await page.waitForFunction(async () => {
      const names = await caches.keys()
      const kept = await Promise.all(names.map(async name => (await (await caches.open(name)).keys()).length))
      return navigator.serviceWorker.controller !== null && kept.some(count => count > 3)
    })
    const cached = await page.evaluate(async () => {
      const names = await caches.keys()
      const all = await Promise.all(names.map(async name => (await caches.open(name)).keys()))
      return all.flat().map(({ url }) => new URL(url).pathname)
    })
    expect(cached.filter(path => !/^\/(?:$|assets\/|icon|manifest)/.test(path))).toEqual([])
    // What was drawn once is kept, whatever the moment it was loaded at.
    await page.reload()
    await page
      .getByRole('list', { name: 'Chats' })
      .getByRole('link', { name: /Who answers/ })
      .click()
    await page.getByRole('main').getByText('The quokka answers.', { exact: true }).waitFor()
    await context.setOffline(true)
    await page.reload()
    await page.getByRole('main').getByText('The quokka answers.', { exact: true }).waitFor()
    await page.getByText('No network').first().waitFor()
    await context.setOffline(false)
  })
})

async function ask(page: Page, text: string): Promise<void> {
  const composer = page.getByRole('main').getByRole('textbox').last()
  await composer.fill(text)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
}

async function exported(page: Page): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export JSON' }).click(),
  ])
  return readFile(await download.path(), 'utf8')
}

/** Everything the browser keeps for the page, as one text. */
async function dump(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const told = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const parts: unknown[] = [
      Object.entries(localStorage),
      Object.entries(sessionStorage),
      document.cookie,
      location.href,
    ]
    for (const { name } of await indexedDB.databases()) {
      const database = await told(indexedDB.open(name!))
      for (const store of database.objectStoreNames) {
        parts.push(await told(database.transaction(store).objectStore(store).getAll()))
      }
      database.close()
    }
    for (const name of await caches.keys()) {
      const cache = await caches.open(name)
      parts.push((await cache.keys()).map(({ url }) => url))
    }
    return JSON.stringify(parts)
  })
}
