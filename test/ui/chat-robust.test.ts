import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { stream } from '../faulty-upstream.ts'
import { missingBrowser } from './browser.ts'
import { answer, ask, chatRoom, composer } from './chat-room.ts'

const long = (count = 400, dripMs = 50) =>
  stream({ words: Array.from({ length: count }, (_, at) => `word${at} `), dripMs })

describe.skipIf(missingBrowser)('answers and what happens around them', { timeout: 60_000 }, () => {
  const { room, enterWith } = chatRoom()
  const hasLeft = () => expect.poll(() => room.upstream.hits.at(-1)?.leftAt, { timeout: 8_000 }).toBeDefined()

  test('a tab that dies loses a second at most: what came is stored as cut', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(long())
    await ask(page, 'die')
    await answer(page).getByText('word3').waitFor()
    await expect.poll(() => storedAnswers(page), { timeout: 2_500 }).toMatchObject([{ state: 'cut', chars: 'some' }])
    await page.reload()
    await answer(page).getByText('word3').waitFor()
    await page.getByText('The page was left while it was written.').waitFor()
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
    await hasLeft()
  })

  test('another tab says who writes, and has the answer when it is whole', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(long(80))
    await ask(page, 'two tabs')
    await answer(page).getByText('word3').waitFor()
    const other = await page.context().newPage()
    await other.goto(page.url())
    await other.getByText('Another tab of this browser is writing it.').waitFor()
    expect(await other.getByRole('button', { name: 'Try again' }).count()).toBe(0)
    await answer(other).getByText('word79').waitFor()
    await other.getByText('Another tab of this browser').waitFor({ state: 'detached' })
    expect(room.upstream.hits).toHaveLength(1)
  })

  test('a page in the background gets no frames, and its answer ends all the same', async () => {
    const page = await enterWith('faulty')
    await page.evaluate(() => {
      const frames: FrameRequestCallback[] = []
      Object.assign(window, { frames_: frames })
      window.requestAnimationFrame = frame => frames.push(frame)
    })
    room.upstream.next(stream({ words: ['hidden ', 'answer'], dripMs: 120 }))
    await ask(page, 'hide')
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
    await page.evaluate(async () => {
      const { frames_: frames } = window as unknown as { frames_: FrameRequestCallback[] }
      for (const frame of frames) frame(performance.now())
      await new Promise(resolve => setTimeout(resolve, 100))
    })
    expect(await page.getByRole('button', { name: 'Stop', exact: true }).count()).toBe(0)
    await answer(page).getByText('hidden answer').waitFor()
  })

  test('whoever deletes a chat stops its answer', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(long())
    await ask(page, 'delete me')
    await answer(page).getByText('word3').waitFor()
    await page.getByRole('button', { name: 'Chat menu' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'What would you like to know?' }).waitFor()
    await hasLeft()
    await expect.poll(() => storedAnswers(page)).toEqual([])
  })

  test('so does whoever deletes it in the list, and what came is there when it is wished back', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(long())
    await ask(page, 'listed')
    await answer(page).getByText('word3').waitFor()
    await page
      .getByRole('list', { name: 'Chats' })
      .getByRole('link', { name: /^listed/ })
      .focus()
    await page.keyboard.press('Delete')
    await hasLeft()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page
      .getByRole('list', { name: 'Chats' })
      .getByRole('link', { name: /^listed/ })
      .click()
    await answer(page).getByText('word3').waitFor()
    await page.getByText('You stopped this answer.').waitFor()
  })

  test('whoever signs out stops what is written; it is stored, and drafts are gone', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(long())
    await ask(page, 'sign out')
    await answer(page).getByText('word3').waitFor()
    await composer(page).fill('a private draft')
    await page.keyboard.press('Control+k')
    await page.getByRole('option', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: /Open|Sign in/ }).waitFor()
    await hasLeft()
    expect(await storedAnswers(page)).toMatchObject([{ state: 'stopped' }])
    expect(await page.evaluate(() => localStorage.getItem('parley.drafts'))).not.toMatch(/private/)
  })

  test('a temporary chat leaves no word: not as a draft, not in the name of the page', async () => {
    const page = await enterWith('faulty')
    await composer(page).fill('between us')
    await page.keyboard.press('Control+Shift+h')
    await page.getByText('A temporary chat').first().waitFor()
    expect(await composer(page).inputValue()).toBe('between us')
    await composer(page).press('Enter')
    await answer(page)
      .getByText(/Hello from/)
      .waitFor()
    await composer(page).fill('and more between us')
    await page.waitForTimeout(500)
    const kept = await page.evaluate(() => JSON.stringify([Object.entries(localStorage), document.title]))
    expect(kept).not.toMatch(/between us/)
    expect(await storedAnswers(page)).toEqual([])
  })

  test('a token that the node no longer takes is renewed, and the answer comes', async () => {
    const page = await enterWith('faulty')
    let refusals = 0
    await page.route('**/v1/chat/completions', route => {
      if (refusals++ > 0) return route.continue()
      return route.fulfill({ status: 401, json: { error: { message: 'ended', code: 'unauthorized' } } })
    })
    await ask(page, 'renew')
    await answer(page)
      .getByText(/Hello from/)
      .waitFor()
    expect(refusals).toBe(2)
  })

  test('the stop button reaches the service at once', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(long())
    await ask(page, 'stop')
    await answer(page).getByText('word3').waitFor()
    const button = page.getByRole('button', { name: 'Stop', exact: true })
    await button.focus()
    const pressedAt = performance.now()
    await page.keyboard.press('Enter')
    await hasLeft()
    // 200 ms is what it may take; this machine may have other things to do.
    expect(room.upstream.hits.at(-1)!.leftAt! - pressedAt).toBeLessThan(1_000)
  })

  test('what a full disk did not take is kept once there is room', async () => {
    const page = await enterWith('faulty')
    await page.evaluate(() => {
      const { put } = IDBObjectStore.prototype
      IDBObjectStore.prototype.put = function (...given) {
        if ('isFull_' in window) throw new DOMException('full', 'QuotaExceededError')
        return put.apply(this, given)
      }
      Object.assign(window, { isFull_: true })
    })
    await ask(page, 'the first')
    await page.getByText('could not be stored').waitFor()
    await answer(page)
      .getByText(/Hello from/)
      .waitFor()
    await page.evaluate(() => void Reflect.deleteProperty(window, 'isFull_'))
    await ask(page, 'the second')
    await expect.poll(() => storedAnswers(page)).toMatchObject([{ state: 'done' }, { state: 'done' }])
    await page.getByText('could not be stored').waitFor({ state: 'detached' })
    await page.reload()
    await page.getByText('the first').last().waitFor()
  })

  test('the focus comes back from a dialog', async () => {
    const page = await enterWith('faulty')
    await ask(page, 'focus')
    await page.getByRole('button', { name: 'Chat menu' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Rename' }).press('Enter')
    await page.getByRole('dialog').getByRole('textbox').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Chat menu')
  })

  test('an answer that reached its longest length says so', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(stream({ words: ['once upon'], finish: 'length' }))
    await ask(page, 'story')
    await page.getByText('it reached its longest allowed length').waitFor()
  })

  test('Escape empties the search and does not stop the answer', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(long(60))
    await ask(page, 'search')
    await answer(page).getByText('word3').waitFor()
    await page.getByRole('searchbox', { name: 'Search chats' }).fill('abc')
    await page.keyboard.press('Escape')
    expect(await page.getByRole('searchbox', { name: 'Search chats' }).inputValue()).toBe('')
    await answer(page).getByText('word59').waitFor()
    expect(await page.getByText('You stopped this answer.').count()).toBe(0)
  })

  test('a part of the pages that is gone offers to load them again', async () => {
    const entered = await enterWith('faulty')
    // A page of its own: the router tells the console of what is gone.
    const page = await entered.context().newPage()
    await page.goto(room.node.origin)
    await composer(page).waitFor()
    await page.context().route('**/assets/*.js', route => route.fulfill({ status: 404, body: 'not there' }))
    const at = page.url()
    await page.getByRole('button', { name: 'Settings', exact: true }).click()
    await page.getByRole('link', { name: 'Shortcuts' }).click()
    await page.getByRole('heading', { name: 'This page has to be loaded again' }).waitFor()
    await page.context().unroute('**/assets/*.js')
    await page.getByRole('main').getByRole('button', { name: 'Reload' }).click()
    await page.getByRole('heading', { name: 'Shortcuts' }).waitFor()
    expect(page.url()).not.toBe(at)
  })

  test('what is not the page does not become what opens without a network', async () => {
    const page = await enterWith('faulty')
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
    const response = await page.goto(`${room.node.origin}/third-party-notices.txt`)
    expect(response?.headers()['content-type']).toMatch(/^text\/plain/)
    expect(await page.textContent('body')).toMatch(/react 19\./)
    await page.waitForTimeout(300)
    const shells = await page.evaluate(async () => {
      const found = await Promise.all((await caches.keys()).map(async name => (await caches.open(name)).match('/')))
      return Promise.all(found.map(each => each?.text() ?? ''))
    })
    expect(shells.length).toBeGreaterThan(0)
    for (const shell of shells) expect(shell).toContain('id="root"')
    await page.goto(room.node.origin)
  })
})

/** The answers the browser has in its database now. */
function storedAnswers(page: Page): Promise<{ readonly state: string; readonly chars: 'none' | 'some' }[]> {
  return page.evaluate(async () => {
    const told = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const database = await told(indexedDB.open('parley'))
    const all = await told(database.transaction('messages').objectStore('messages').getAll())
    database.close()
    const answers = (all as { role: string; state: string; text: string }[]).filter(({ role }) => role === 'assistant')
    return answers.map(({ state, text }) => ({ state, chars: text === '' ? ('none' as const) : ('some' as const) }))
  })
}
