import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { UiNode } from './node.ts'

/** How quick the pages are, as somebody in front of them would find. Times in milliseconds. */

/** What a first visit loads until the chat can be used, in bytes as they came over the wire. */
export async function firstLoadBytes(browser: Browser, url: string): Promise<number> {
  const { context, page } = await fresh(browser)
  const debuggerOf = await context.newCDPSession(page)
  await debuggerOf.send('Network.enable')
  let total = 0
  debuggerOf.on('Network.loadingFinished', ({ encodedDataLength }) => (total += encodedDataLength))
  await page.goto(url)
  await composer(page).waitFor()
  await page.waitForLoadState('networkidle')
  await context.close()
  return total
}

/** When the largest thing of the page was drawn, on a processor as many times slower. */
export async function largestPaintMs(browser: Browser, url: string, slowdown: number): Promise<number> {
  const { context, page } = await fresh(browser)
  const debuggerOf = await context.newCDPSession(page)
  await debuggerOf.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
  await page.goto(url)
  await composer(page).waitFor()
  await page.waitForTimeout(500)
  const ms = await page.evaluate(
    () =>
      new Promise<number>(resolve =>
        new PerformanceObserver(list => resolve(list.getEntries().at(-1)?.startTime ?? 0)).observe({
          type: 'largest-contentful-paint',
          buffered: true,
        }),
      ),
  )
  await context.close()
  return ms
}

/** Times between frames while something runs, in order of size. */
export async function framesWhile(page: Page, ms: number): Promise<number[]> {
  return await page.evaluate(
    length =>
      new Promise<number[]>(resolve => {
        const times: number[] = []
        const startedAt = performance.now()
        let last = startedAt
        const frame = (now: number) => {
          times.push(now - last)
          last = now
          if (now - startedAt < length) requestAnimationFrame(frame)
          else resolve(times.slice(1).sort((a, b) => a - b))
        }
        requestAnimationFrame(frame)
      }),
    ms,
  )
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Puts a long chat into the storage of the browser, as if it had been held there. */
export async function keepChat(page: Page, messages: number): Promise<{ id: string; title: string; last: string }> {
  return await page.evaluate(async count => {
    const id = crypto.randomUUID()
    const title = `A chat of ${count} messages`
    const ids = Array.from({ length: count }, () => crypto.randomUUID())
    const now = Date.now()
    const last = `This is answer ${count - 1}.`
    const rows = ids.map((messageId, at) => ({
      id: messageId,
      chatId: id,
      parentId: ids[at - 1] ?? null,
      role: at % 2 === 0 ? 'user' : 'assistant',
      text:
        at % 2 === 0
          ? `Question ${at}: how does it go on, and why?`
          : `This is answer ${at}.\n\nIt has **two paragraphs**, a list\n\n- of one\n- of two\n\nand \`code\`:\n\n\`\`\`js\nconst answer = ${at}\n\`\`\`\n`,
      state: 'done',
      createdAt: now - (count - at) * 1_000,
      updatedAt: now - (count - at) * 1_000,
    }))
    const chat = {
      ...{ id, title, folderId: null, isPinned: false, model: null, systemPrompt: '', parameters: {} },
      ...{ headId: ids.at(-1), createdAt: now, updatedAt: now, deletedAt: null },
    }
    const names = (await indexedDB.databases()).map(({ name }) => name!)
    for (const name of names) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name)
        opening.onsuccess = () => resolve(opening.result)
        opening.onerror = () => reject(opening.error)
      })
      if (database.objectStoreNames.contains('messages')) {
        await new Promise((resolve, reject) => {
          const writing = database.transaction(['chats', 'messages'], 'readwrite')
          writing.objectStore('chats').put(chat)
          for (const row of rows) writing.objectStore('messages').put(row)
          writing.oncomplete = resolve
          writing.onerror = () => reject(writing.error)
        })
      }
      database.close()
    }
    return { id, title, last }
  }, messages)
}

/** From the click on a chat to its newest words. */
export async function openingMs(page: Page, { title, last }: { title: string; last: string }): Promise<number> {
  const link = page.getByRole('navigation').getByText(title)
  await link.waitFor()
  return await link.evaluate(
    (element, words) =>
      new Promise<number>(resolve => {
        const startedAt = performance.now()
        ;(element as HTMLElement).click()
        const look = () =>
          document.querySelector('main')?.textContent?.includes(words)
            ? resolve(performance.now() - startedAt)
            : requestAnimationFrame(look)
        look()
      }),
    last,
  )
}

export async function signedIn(browser: Browser, node: UiNode): Promise<{ context: BrowserContext; page: Page }> {
  const visitor = await fresh(browser)
  await visitor.page.goto(await node.newPageUrl())
  await composer(visitor.page).waitFor()
  return visitor
}

export const composer = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true })

async function fresh(browser: Browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  context.setDefaultTimeout(30_000)
  return { context, page: await context.newPage() }
}

/** An answer as long as a chapter, then words at the pace of a quick model. */
export const chapter = Array.from(
  { length: 115 },
  (_, at) =>
    `## Part ${at}\n\nWords of part ${at} go on for a while, with **weight**, \`code\` and [links](https://example.com/${at}), so that there is something to draw. ${'They are not meant to be read, only to be there. '.repeat(9)}\n\n- first\n- second\n\n\`\`\`js\nfor (const part of parts) read(part, ${at})\n\`\`\`\n\n`,
).join('')
