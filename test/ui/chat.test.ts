import { describe, expect, test } from 'vitest'
import { stream } from '../faulty-upstream.ts'
import { barriers } from './axe.ts'
import { missingBrowser } from './browser.ts'
import { answer, ask, chatRoom, composer, sentTexts } from './chat-room.ts'

describe.skipIf(missingBrowser)('the chat', { timeout: 60_000 }, () => {
  const { room, enter, enterWith } = chatRoom()

  test('a first answer streams without anything being decided, and is there after a reload', async () => {
    const page = await enter()
    await page.getByRole('button', { name: 'What is the capital of France?' }).click()
    await answer(page).getByText(/Paris/).waitFor()
    await page.getByRole('button', { name: 'Send' }).waitFor()
    expect(new URL(page.url()).pathname).toMatch(/^\/chat\/[\w-]{36}$/)
    await expect.poll(() => page.title()).toMatch(/^What is the capital of France\?/)
    await expect.poll(() => page.locator('[aria-live=polite].sr-only').textContent()).toMatch(/Answer: .*Paris/)
    await page.reload()
    await answer(page).getByText(/Paris/).waitFor()
    await page.getByText(/\d+ tokens/).waitFor()
  })

  test('what came stays when an answer is stopped', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(stream({ words: Array.from({ length: 200 }, (_, at) => `word${at} `), dripMs: 50 }))
    await ask(page, 'count')
    await answer(page).getByText('word3').waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('You stopped this answer.').waitFor()
    const kept = await answer(page).textContent()
    expect(kept).toMatch(/word0 word1/)
    await expect.poll(() => room.upstream.hits.at(-1)?.leftAt, { timeout: 8_000 }).toBeDefined()
    await page.reload()
    await answer(page).getByText('word3').waitFor()
    await page.getByText('You stopped this answer.').waitFor()
  })

  test('an answer goes on while another chat is looked at', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(stream({ words: ['slow ', ...Array.from({ length: 20 }, () => '. '), 'done'], dripMs: 60 }))
    await ask(page, 'first chat')
    await answer(page).getByText('slow').waitFor()
    await page.keyboard.press('Control+Shift+o')
    await page.getByRole('heading', { name: 'What would you like to know?' }).waitFor()
    room.upstream.next(stream({ words: ['quick'] }))
    await ask(page, 'second chat')
    await answer(page).getByText('quick').waitFor()
    await page.getByRole('link', { name: 'first chat' }).first().click()
    await answer(page).getByText('done').waitFor()
  })

  test('answers again, branches, edits, forks and deletions', async () => {
    const page = await enterWith('faulty')
    room.upstream.next(stream({ words: ['one'] }))
    await ask(page, 'number')
    await answer(page).getByText('one', { exact: true }).waitFor()
    room.upstream.next(stream({ words: ['two'] }))
    await page.getByRole('button', { name: 'Answer again' }).click()
    await answer(page).getByText('two', { exact: true }).waitFor()
    await page.getByText('2/2').waitFor()
    await page.getByRole('button', { name: 'Previous branch' }).focus()
    await page.keyboard.press('ArrowLeft')
    await answer(page).getByText('one', { exact: true }).waitFor()
    await page.getByText('1/2').waitFor()

    room.upstream.next(stream({ words: ['three'] }))
    await page.keyboard.press('Control+Shift+e')
    await page.getByRole('textbox', { name: 'Edit your message' }).fill('another number')
    await page.keyboard.press('Enter')
    await answer(page).getByText('three').waitFor()
    expect(sentTexts(room.upstream).at(-1)).toBe('another number')
    expect(sentTexts(room.upstream)).toHaveLength(1)

    const before = page.url()
    await page.getByRole('article').last().getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Continue in a new chat from here' }).click()
    await expect.poll(() => page.url()).not.toBe(before)
    await answer(page).getByText('three').waitFor()
    await page.goBack()
    await page.getByText('another number').first().waitFor()

    await page.getByRole('article').first().getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Delete from here on' }).click()
    await page
      .getByText('another number')
      .waitFor({ state: 'detached' })
      .catch(() => undefined)
    await answer(page)
      .getByText(/^(?:one|two)$/)
      .waitFor()
    await page.reload()
    await answer(page)
      .getByText(/^(?:one|two)$/)
      .waitFor()
    expect(await page.getByRole('article', { name: 'Your message' }).textContent()).toMatch(/^number/)
  })

  test('a temporary chat is stored nowhere', async () => {
    const page = await enterWith('faulty')
    await page.keyboard.press('Control+Shift+h')
    await page.getByText('A temporary chat').waitFor()
    await ask(page, 'between us')
    await answer(page)
      .getByText(/Hello from/)
      .waitFor()
    expect(await page.getByRole('navigation').getByText('between us').count()).toBe(0)
    await page.reload()
    await page.getByText('Chat not found').waitFor()
  })

  test('a draft waits for its chat; what it costs is estimated', async () => {
    const page = await enterWith('faulty')
    await composer(page).fill('x'.repeat(4_000))
    await page.getByText(/~1,004 tokens · ~/).waitFor()
    await expect
      .poll(() => page.evaluate(() => localStorage.getItem('parley.drafts')?.length ?? 0))
      .toBeGreaterThan(4_000)
    await page.reload()
    await composer(page).waitFor()
    expect(await composer(page).inputValue()).toHaveLength(4_000)
  })

  test('by the keyboard alone', async () => {
    const page = await enter()
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Message')
    await page.keyboard.type('/mod')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Models' }).waitFor()
    await page.keyboard.type('faulty')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Models' }).waitFor({ state: 'detached' })
    await page.keyboard.press('Shift+Escape')
    await page.keyboard.type('first line')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('second line')
    await page.keyboard.press('Enter')
    await answer(page)
      .getByText(/Hello from/)
      .waitFor()
    expect(sentTexts(room.upstream)).toEqual(['first line\nsecond line'])
    await page.keyboard.press('Control+Shift+c')
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^Hello from/)
    room.upstream.next(stream({ words: ['again'] }))
    await page.keyboard.press('Control+Shift+g')
    await answer(page).getByText('again', { exact: true }).waitFor()
  })

  test.each([
    ['light', {}],
    ['dark', { scheme: 'dark' }],
    ['phone', { width: 390, height: 844 }],
  ] as const)('nothing keeps people from using it: %s', async (name, options) => {
    const page = await enter(options)
    await page.getByRole('button', { name: 'What is 7 plus 5?' }).waitFor()
    expect(await barriers(page)).toEqual([])
    await page.getByRole('button', { name: 'What is 7 plus 5?' }).click()
    await answer(page).getByRole('button', { name: 'Answer again' }).waitFor()
    expect(await barriers(page)).toEqual([])
    await page.getByRole('button', { name: /^Model: / }).click()
    await page.getByRole('option', { name: 'faulty' }).waitFor()
    expect(await barriers(page)).toEqual([])
    if (name === 'phone') {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
      expect(wide).toBe(false)
      await page.getByRole('option', { name: 'faulty' }).click()
      for (const label of ['Send', 'Attach images or text files', 'Chat menu']) {
        const box = await page.getByRole('button', { name: label }).boundingBox()
        expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44)
      }
    }
  })

  test('in German', async () => {
    const page = await enter({ language: 'de-DE' })
    await page.getByRole('heading', { name: 'Was möchten Sie wissen?' }).waitFor()
    await page.getByRole('textbox', { name: 'Nachricht' }).waitFor()
  })
})
