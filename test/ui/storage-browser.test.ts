import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonical } from '../../src/ui/storage/merge.ts'
import { barriers } from './axe.ts'
import { missingBrowser, openBrowser, type Visit, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { type Host, startStaticHost } from './static-host.ts'
import { chat, folder, message, uuid } from './storage-documents.ts'

/** The pages may have to be built first. */
const buildMs = 240_000
const many = 1_200

/** An export with chats of today, yesterday and long ago. */
function fileOfMany(): string {
  const now = Date.now() - 60_000
  const chats = Array.from({ length: many }, (_, at) => {
    const updatedAt = at < 3 ? now - at : now - 86_400_000 * (1 + Math.floor(at / 10))
    return {
      ...chat(at, { title: `Chat ${at}`, headId: 'b', createdAt: updatedAt, updatedAt }),
      messages: [
        message(at, 'a', `question ${at}`, { createdAt: updatedAt, updatedAt }),
        message(at, 'b', `<img src=x onerror="window.hurt=1"> needle${at} in the haystack`, {
          parentId: 'a',
          role: 'assistant',
          createdAt: updatedAt,
          updatedAt,
        }),
      ],
    }
  })
  const folders = [folder(1, { name: 'Work' })]
  return JSON.stringify({ format: 'parley.chats', version: 1, folders, chats: [...chats, longChat()] })
}

/** Two branches, the one that is not shown with what is looked for at its beginning. */
function longChat() {
  const branch = (name: string, first: string) =>
    Array.from({ length: 80 }, (_, at) =>
      message(many, `${name}${at}`, at === 0 ? first : `${name} ${at} ${'words '.repeat(60)}`, {
        parentId: at === 0 ? null : `${name}${at - 1}`,
        role: at % 2 === 0 ? 'user' : 'assistant',
      }),
    )
  const messages = [...branch('x', 'the quokka begins'), ...branch('y', 'another beginning')]
  return { ...chat(many, { title: 'Long', headId: 'y79' }), messages }
}

describe.skipIf(missingBrowser)('chats in the browser', () => {
  let host: Host
  let browser: Browser
  let visitor: Visit

  beforeAll(async () => {
    host = await startStaticHost(await builtPages())
    browser = await openBrowser()
    visitor = await visit(browser, `${host.origin}/settings/storage`)
  }, buildMs)

  afterAll(async () => {
    await browser?.close()
    await host?.stop()
  })

  const list = (page: Page) => page.getByRole('list', { name: 'Chats' })
  const row = (page: Page, name: string) => list(page).getByRole('link', { name, exact: true })
  const give = (page: Page, name: string, text: string) =>
    page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) })

  test('a file is shown before it is written, and a hostile one writes nothing', async () => {
    const { page } = visitor
    await list(page).waitFor({ state: 'detached' })
    await give(page, 'evil.json', '{"__proto__":{"x":1},"format":"parley.chats","version":1,"chats":[{"id":"../x"}]}')
    await page.getByRole('dialog').getByText('Chat that cannot be read').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await give(page, 'many.json', fileOfMany())
    await page.getByRole('dialog').getByText('1,201 new chats').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Import' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached', timeout: 30_000 })
    await row(page, 'Chat 0').waitFor()
    expect(await barriers(page)).toEqual([])
  })

  test('what was exported and imported elsewhere is exported again byte by byte', async () => {
    const one = await exported(visitor.page)
    const other = await visit(browser, `${host.origin}/settings/storage`, { width: 390, height: 844, scheme: 'dark' })
    await give(other.page, 'many.json', one)
    await other.page.getByRole('dialog').getByRole('button', { name: 'Import' }).click()
    await other.page.getByRole('dialog').waitFor({ state: 'detached', timeout: 30_000 })
    expect(await exported(other.page)).toBe(one)
    expect(JSON.parse(one)).toMatchObject({ folders: [{ name: 'Work' }] })
    expect(canonical(JSON.parse(one))).toContain('needle7 in')
    expect(await barriers(other.page)).toEqual([])
    expect(await other.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    await other.context.close()
  })

  test('the history draws what is in view alone, and is used by keyboard', async () => {
    const { page } = visitor
    await page.goto(host.origin)
    await row(page, 'Chat 0').waitFor()
    expect(await list(page).getByRole('listitem').count()).toBeLessThan(80)
    await row(page, 'Chat 0').focus()
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => focusedTitle(page)).toBe('Chat 1')
    await page.keyboard.press('End')
    await expect.poll(() => focusedTitle(page)).toBe('Long')
    await page.keyboard.press('Home')
    await expect.poll(() => focusedTitle(page)).toBe('Work')
    await row(page, 'Chat 1').focus()
    await page.keyboard.press('F2')
    await page.getByRole('textbox', { name: 'Rename' }).fill('Renamed <b>chat</b>')
    await page.keyboard.press('Enter')
    await row(page, 'Renamed <b>chat</b>').waitFor()
  })

  test('another tab follows', async () => {
    const second = await visitor.context.newPage()
    await second.goto(host.origin)
    await row(second, 'Renamed <b>chat</b>').waitFor()
    await row(visitor.page, 'Renamed <b>chat</b>').focus()
    await visitor.page.keyboard.press('F2')
    await visitor.page.getByRole('textbox', { name: 'Rename' }).fill('Chat 1')
    await visitor.page.keyboard.press('Enter')
    await row(second, 'Chat 1').waitFor()
    await second.close()
  })

  test('chats are pinned, moved into folders and out of them', async () => {
    const { page } = visitor
    const choose = async (name: string, item: string) => {
      await row(page, name).hover()
      await page.getByRole('button', { name: `More for ${name}`, exact: true }).click()
      await page.getByRole('menuitem', { name: item }).click()
    }
    await choose('Chat 2', 'Pin')
    await list(page).getByText('Pinned', { exact: true }).waitFor()
    await choose('Chat 2', 'Unpin')
    await list(page).getByText('Pinned', { exact: true }).waitFor({ state: 'detached' })
    await choose('Chat 2', 'Move to folder')
    await page.getByRole('dialog').getByRole('button', { name: 'Work' }).click()
    const work = list(page).getByRole('button', { name: 'Work 1', exact: true })
    await work.waitFor()
    await row(page, 'Chat 0').dragTo(work)
    await list(page).getByRole('button', { name: 'Work 2', exact: true }).waitFor()
    await row(page, 'Chat 0').dragTo(list(page).getByText('Today', { exact: true }))
    await work.waitFor()
    await work.hover()
    await page.getByRole('button', { name: 'More for Work', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByText('Its 1 chat stays').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await work.waitFor({ state: 'detached' })
    await row(page, 'Chat 2').waitFor()
  })

  test('a deleted chat comes back when that is wished, and only then', async () => {
    const { page } = visitor
    await row(page, 'Chat 2').focus()
    await page.keyboard.press('Delete')
    await row(page, 'Chat 2').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await row(page, 'Chat 2').waitFor()
    await row(page, 'Chat 2').focus()
    await page.keyboard.press('Delete')
    await page.getByText('“Chat 2” deleted').last().waitFor()
    await page.getByRole('button', { name: 'Close toast' }).first().click()
    await expect.poll(() => storedChat(page, uuid(2))).toMatchObject({ title: '', deletedAt: expect.any(Number) })
  })

  test('the search finds messages, shows them as text, and leads to them', async () => {
    const { page } = visitor
    await page.keyboard.press('Control+Shift+F')
    const box = page.getByRole('searchbox', { name: 'Search chats' })
    await expect.poll(() => box.evaluate(element => element === document.activeElement)).toBe(true)
    await box.fill('needle777')
    const hit = page.getByRole('link', { name: /Chat 777/ })
    await hit.waitFor()
    expect(await hit.locator('mark').innerText()).toBe('needle777')
    expect(await page.evaluate(() => 'hurt' in window)).toBe(false)
    expect(await barriers(page)).toEqual([])
    await hit.click()
    await page.getByRole('main').getByText('needle777').first().waitFor()
    await expect.poll(() => page.url()).toBe(`${host.origin}/chat/${uuid(777)}`)
    await box.fill('quokka')
    await page.getByRole('link', { name: /Long/ }).click()
    const found = page.getByRole('main').getByText('the quokka begins')
    await found.waitFor()
    await expect
      .poll(async () => {
        const { y } = (await found.boundingBox())!
        return y > 0 && y < 800
      })
      .toBe(true)
    await page.getByRole('button', { name: 'Clear search' }).click()
  })

  test('everything is deleted when that was typed', async () => {
    const { page } = visitor
    await page.goto(`${host.origin}/settings/storage`)
    await page.getByRole('button', { name: 'Delete all chats' }).click()
    const sure = page.getByRole('dialog').getByRole('button', { name: 'Delete all chats' })
    expect(await sure.isDisabled()).toBe(true)
    await page.getByRole('dialog').getByRole('textbox').fill('delete')
    await sure.click()
    await page.getByText('No chats yet').waitFor()
    expect(visitor.complaints).toEqual([])
  })

  test('where the browser keeps nothing, that is said, and chats work until the tab closes', async () => {
    const closed = await browser.newContext()
    await closed.addInitScript(() => {
      Object.defineProperty(globalThis, 'indexedDB', { get: () => undefined })
      Object.defineProperty(globalThis, 'localStorage', {
        get: () => {
          throw new DOMException('closed', 'SecurityError')
        },
      })
    })
    const page = await closed.newPage()
    await page.goto(`${host.origin}/settings/storage`)
    await page.getByText('This browser keeps nothing for this page').waitFor()
    await give(page, 'many.json', fileOfMany())
    await page.getByRole('dialog').getByRole('button', { name: 'Import' }).click()
    await row(page, 'Chat 0').waitFor({ timeout: 30_000 })
    await closed.close()
  })
})

function focusedTitle(page: Page): Promise<string | null> {
  return page.evaluate(() => document.activeElement?.getAttribute('title') ?? null)
}

function storedChat(page: Page, id: string): Promise<unknown> {
  return page.evaluate(async wanted => {
    const told = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const database = await told(indexedDB.open('parley'))
    const found = await told(database.transaction('chats').objectStore('chats').get(wanted))
    database.close()
    return found
  }, id)
}

async function exported(page: Page): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export JSON' }).click(),
  ])
  const pieces: Buffer[] = []
  for await (const piece of await download.createReadStream()) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}
