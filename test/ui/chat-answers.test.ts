import { describe, expect, test } from 'vitest'
import { cut, failInStream, stream } from '../faulty-upstream.ts'
import { barriers } from './axe.ts'
import { missingBrowser } from './browser.ts'
import { answer, ask, chatRoom, composer, sent } from './chat-room.ts'

describe.skipIf(missingBrowser)('what answers are like', { timeout: 60_000 }, () => {
  const { room, enterWith } = chatRoom()

  test('an answer that breaks off keeps what came and says so; a new try takes its place', async () => {
    const page = await enterWith('faulty')
    room.upstream.always(cut('rst'))
    await ask(page, 'break')
    await page.getByText('The answer broke off; you paid only for what arrived').waitFor()
    await answer(page)
      .getByText(/Hello from/)
      .waitFor()
    await page.getByRole('button', { name: 'Switch model' }).waitFor()
    room.upstream.next(stream({ words: ['whole now'] }))
    await page.getByRole('article').getByRole('button', { name: 'Try again' }).click()
    await answer(page).getByText('whole now').waitFor()
    await page.getByText('2/2').waitFor()
  })

  test('an answer that fails says why, and another model can be asked', async () => {
    const page = await enterWith('faulty')
    room.upstream.always(failInStream(undefined, []))
    await ask(page, 'What is 7 plus 5?')
    const problem = page.getByRole('alert').filter({ hasText: 'No answer came' })
    await problem.waitFor()
    await problem.getByRole('button', { name: 'Switch model' }).click()
    await page.getByRole('menuitem', { name: 'parley-nano' }).click()
    await page
      .getByRole('article', { name: 'Answer of parley-nano' })
      .getByRole('button', { name: 'Answer again' })
      .waitFor()
    // What failed without a word is no branch.
    expect(await page.getByText('2/2').count()).toBe(0)
  })

  test('who cannot pay is led to the money', async () => {
    const page = await enterWith('faulty')
    const said = { error: { message: 'no funds', type: 'payment', code: 'insufficient_funds' } }
    await page.route('**/v1/chat/completions', route => route.fulfill({ status: 402, json: said }))
    await ask(page, 'dear')
    await page.getByText('This answer cannot be paid').waitFor()
    expect(await page.getByRole('link', { name: 'Open the wallet' }).getAttribute('href')).toBe('/money')
  })

  test('images and texts go along, other files are refused with a reason', async () => {
    const page = await enterWith('faulty')
    const png = await page.screenshot({ clip: { x: 0, y: 0, width: 40, height: 20 } })
    await page.locator('input[type=file]').setInputFiles([
      { name: 'photo.png', mimeType: 'image/png', buffer: png },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('the password is swordfish') },
      { name: 'tool.bin', mimeType: 'application/octet-stream', buffer: Buffer.from([0, 255, 254, 0]) },
      { name: 'long.log', mimeType: 'text/plain', buffer: Buffer.alloc(1_100_000, 'a') },
    ])
    await page.getByText('tool.bin is neither an image nor a text').waitFor()
    await page.getByText('long.log is larger than 1 MB').waitFor()
    await page.getByText('notes.txt').first().waitFor()
    await ask(page, 'what is this?')
    await answer(page)
      .getByText(/Hello from/)
      .waitFor()
    const [{ content }] = sent(room.upstream).slice(-1) as unknown as [
      { content: { type: string; text?: string; image_url?: { url: string } }[] },
    ]
    expect(content.find(({ type }) => type === 'text')?.text).toMatch(
      /notes\.txt:\n```txt\nthe password is swordfish\n```\n\nwhat is this\?/,
    )
    expect(content.find(({ type }) => type === 'image_url')?.image_url?.url).toMatch(/^data:image\/png;base64,/)
  })

  test('the system prompt, a parameter and a model for one message', async () => {
    const page = await enterWith('parley-nano')
    await composer(page).fill('/sys')
    await page.keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'System prompt' }).fill('be brief')
    await page.getByRole('textbox', { name: 'Temperature' }).fill('7')
    await page.getByText('Between 0 and 2, please.').waitFor()
    await page.getByRole('textbox', { name: 'Temperature' }).fill('0.5')
    await page.getByRole('button', { name: 'Save' }).click()
    await composer(page).pressSequentially('@fau')
    await page.keyboard.press('Enter')
    await page.getByText('faulty answers this one').waitFor()
    await composer(page).pressSequentially('hello')
    await page.keyboard.press('Enter')
    await answer(page)
      .getByText(/Hello from/)
      .waitFor()
    expect(sent(room.upstream)[0]).toEqual({ role: 'system', content: 'be brief' })
    expect(room.upstream.hits.at(-1)?.body.temperature).toBe(0.5)
  })

  test('details tell who answered and what it cost', async () => {
    const page = await enterWith('faulty')
    await ask(page, 'details please')
    await page.getByRole('button', { name: 'Details', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Details' })
    await dialog.getByText('service', { exact: true }).waitFor()
    await dialog.getByText('Plain upstream').waitFor()
    await dialog.getByText('7 in, 5 out').waitFor()
    await dialog.getByText('All about this request').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  test('Markdown is drawn: code, tables, formulas, diagrams; nothing loads by itself', async () => {
    const page = await enterWith('faulty')
    const asked: string[] = []
    page.on('request', request => void asked.push(request.url()))
    room.upstream.next(stream({ words: rich.match(/[\s\S]{1,20}/g) ?? [] }))
    await ask(page, 'draw')
    await answer(page).getByRole('heading', { name: 'Title' }).waitFor()
    await answer(page).getByRole('table').waitFor()
    await answer(page).locator('.katex').first().waitFor()
    await answer(page)
      .getByRole('img', { name: /^Diagram/ })
      .waitFor()
    await answer(page)
      .locator('[data-streamdown=code-block] span[style*=color], [data-streamdown=code-block] span[style*=sdm]')
      .first()
      .waitFor()
    await answer(page).getByRole('button', { name: 'Load image from evil.example' }).waitFor()
    await answer(page).getByText('<b>raw</b>').waitFor()
    expect(await answer(page).locator('a[href^="javascript"], script, iframe').count()).toBe(0)
    expect(await answer(page).locator('a').first().textContent()).toBe('a link(example.org)')
    expect(asked.filter(url => !url.startsWith(room.node.origin) && !/^(?:blob|data):/.test(url))).toEqual([])
    expect(await barriers(page)).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await barriers(page)).toEqual([])
  })
})

const rich = `# Title

Text with [a link](https://example.org/x) and [a bad one](javascript:alert(1)), <b>raw</b> and ![cat](https://evil.example/cat.png).

| a | b |
|---|---|
| 1 | 2 |

$$
x^2 + y^2
$$

\`\`\`js
const answer = 42
\`\`\`

\`\`\`mermaid
graph TD
  A[Start] --> B[End]
\`\`\`

The end.
`
