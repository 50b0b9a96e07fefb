import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { barriers } from './axe.ts'
import { missingBrowser, openBrowser, type Visit, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { startNode, type UiNode } from './node.ts'
import { chat, folder, message } from './storage-documents.ts'

/** The pages may have to be built first. */
const buildMs = 300_000

describe.skipIf(missingBrowser)('chats in the database of the node', () => {
  let node: UiNode
  let browser: Browser
  let visitor: Visit

  beforeAll(async () => {
    await builtPages()
    node = await startNode()
    browser = await openBrowser()
    visitor = await visit(browser, node.pageUrl)
    await visitor.page.getByRole('navigation').waitFor()
  }, buildMs)

  afterAll(async () => {
    await browser?.close()
    await node?.stop()
  })

  const row = (page: Page, name: string) =>
    page.getByRole('list', { name: 'Chats' }).getByRole('link', { name, exact: true })

  /** Settings → Storage, without leaving the page: who is signed in is known to it alone. */
  const toStorage = async (page: Page) => {
    const link = page.getByRole('link', { name: 'Storage', exact: true })
    if (!(await link.isVisible())) await page.getByRole('button', { name: 'Settings', exact: true }).click()
    await link.click()
    await page.getByRole('heading', { name: 'Where chats live' }).waitFor()
  }
  const useNode = async (page: Page) => {
    await page.getByRole('button', { name: 'Use this: Database of the node' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Copy and use' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText(/^Up to date/).waitFor()
  }

  test('switching copies what is in the browser, and leaves it there', async () => {
    const { page } = visitor
    await toStorage(page)
    const now = Date.now() - 60_000
    const file = {
      format: 'parley.chats',
      version: 1,
      folders: [folder(1, { name: 'Shared', createdAt: now, updatedAt: now })],
      chats: [
        {
          ...chat(1, { title: 'First', folderId: null, headId: 'a', createdAt: now, updatedAt: now }),
          messages: [message(1, 'a', 'hello node', { createdAt: now, updatedAt: now })],
        },
      ],
    }
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'a.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(file)) })
    await page.getByRole('dialog').getByRole('button', { name: 'Import' }).click()
    await row(page, 'First').waitFor()
    await useNode(page)
    await row(page, 'First').waitFor()
    expect(await barriers(page)).toEqual([])
    expect(await titlesIn(page, 'parley')).toEqual(['First'])
    expect(await titlesIn(page, 'parley-node')).toEqual(['First'])
  })

  test('another device sees it, and what it writes comes back', async () => {
    const other = await visit(browser, await node.newPageUrl())
    await other.page.getByRole('navigation').waitFor()
    await toStorage(other.page)
    await useNode(other.page)
    await row(other.page, 'First').waitFor()
    await row(other.page, 'First').focus()
    await other.page.keyboard.press('F2')
    await other.page.getByRole('textbox', { name: 'Rename' }).fill('Renamed elsewhere')
    await other.page.keyboard.press('Enter')
    await row(other.page, 'Renamed elsewhere').waitFor()
    await expect
      .poll(
        async () => {
          await visitor.page.evaluate(() => window.dispatchEvent(new Event('online')))
          return row(visitor.page, 'Renamed elsewhere').count()
        },
        { timeout: 15_000, interval: 700 },
      )
      .toBe(1)
    await other.context.close()
  })

  test('while the node is away changes wait, and reach it when it is back', async () => {
    const { page, context } = visitor
    await context.route('**/api/chats/**', route => route.abort())
    await context.route('**/api/folders**', route => route.abort())
    await row(page, 'Renamed elsewhere').focus()
    await page.keyboard.press('F2')
    await page.getByRole('textbox', { name: 'Rename' }).fill('Written meanwhile')
    await page.keyboard.press('Enter')
    await row(page, 'Written meanwhile').waitFor()
    await page.getByText('The node cannot be reached').waitFor()
    await page.getByText('1 change waits for the node.').waitFor()
    await context.unroute('**/api/chats/**')
    await context.unroute('**/api/folders**')
    await page.evaluate(() => window.dispatchEvent(new Event('online')))
    await page.getByText(/^Up to date/).waitFor()
    const later = await visit(browser, await node.newPageUrl())
    await later.page.getByRole('navigation').waitFor()
    await toStorage(later.page)
    await useNode(later.page)
    await row(later.page, 'Written meanwhile').waitFor()
    await later.context.close()
  })

  test('a chat that is deleted here is deleted there', async () => {
    const { page } = visitor
    await row(page, 'Written meanwhile').focus()
    await page.keyboard.press('Delete')
    await page.getByText('“Written meanwhile” deleted').waitFor()
    await page.getByRole('button', { name: 'Close toast' }).first().click()
    await expect.poll(() => titlesIn(page, 'parley-node')).toEqual([''])
    const later = await visit(browser, await node.newPageUrl())
    await later.page.getByRole('navigation').waitFor()
    await toStorage(later.page)
    await expect
      .poll(
        async () => {
          await useNode(later.page).catch(() => undefined)
          return titlesIn(later.page, 'parley-node')
        },
        { timeout: 15_000 },
      )
      .toEqual([''])
    expect(await row(later.page, 'Written meanwhile').count()).toBe(0)
    await later.context.close()
  })

  test('who signs out leaves no copy of it', async () => {
    const { page } = visitor
    await page.getByText(/^Up to date/).waitFor()
    await page.keyboard.press('Control+K')
    await page.getByRole('option', { name: 'Sign out' }).click()
    const databases = () => page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
    await expect.poll(databases).toEqual(['parley'])
    expect(visitor.complaints.filter(text => !/ERR_FAILED/.test(text))).toEqual([])
  })
})

/** What a database of the browser holds, deleted chats as nothing but themselves. */
function titlesIn(page: Page, name: string): Promise<string[]> {
  return page.evaluate(async wanted => {
    const told = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const database = await told(indexedDB.open(wanted))
    const all = (await told(database.transaction('chats').objectStore('chats').getAll())) as { title: string }[]
    database.close()
    return all.map(({ title }) => title)
  }, name)
}
