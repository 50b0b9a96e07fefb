import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultyUpstream, refuse, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { type MediaService, sendJson, startMediaService } from '../media-service.ts'
import { missingBrowser, openBrowser, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { answer, ask, composer } from './chat-room.ts'
import { startNode, type UiNode } from './node.ts'

/** What comes into a chat beside typed words, and what it says of the world around it. */
describe.skipIf(missingBrowser)('a chat that hears and sees', { timeout: 60_000 }, () => {
  let first: FaultyUpstream
  let second: FaultyUpstream
  let ears: MediaService
  let node: UiNode
  let browser: Browser

  beforeAll(async () => {
    await builtPages()
    first = await startFaultyUpstream(['both'])
    second = await startFaultyUpstream(['both'])
    ears = await startMediaService(['whisper-1'])
    const services = { first: first.url, second: second.url, ears: ears.url }
    const lines = Object.entries(services).map(
      ([name, url], at) => `[[upstreams]]\nname = "${name}"\nurl = "${url}"\npriority = ${at + 1}\n`,
    )
    node = await startNode(`${lines.join('')}[models]\nnano = false\n[routing]\nsameProviderRetries = 0\n`)
    browser = await openBrowser('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream')
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    await node?.stop()
    await Promise.all([first?.stop(), second?.stop(), ears?.stop()])
  })

  async function enter(): Promise<Page> {
    first.always(stream())
    const { page, context } = await visit(browser, await node.newPageUrl())
    await context.grantPermissions(['microphone'], { origin: node.origin })
    await composer(page).waitFor()
    await page.getByRole('button', { name: /^Model: / }).click()
    await page.getByRole('option', { name: 'both' }).click()
    return page
  }

  test('words that are spoken are written where the caret is', async () => {
    ears.answer = (_hit, response) => sendJson(response, { text: 'the quick fox' })
    const page = await enter()
    await composer(page).fill('Tell me about !')
    await composer(page).press('ArrowLeft')
    await page.getByRole('button', { name: 'Speak' }).click()
    await page.getByRole('timer', { name: 'Recording' }).waitFor()
    await page.waitForTimeout(600)
    await page.getByRole('button', { name: 'Turn into text' }).click()
    await expect.poll(() => composer(page).inputValue()).toMatch(/^Tell me about the quick fox ?!$/)
    const [, [, type, sound]] = (await ears.hits.at(-1)!.form()).find(([name]) => name === 'file') as unknown as [
      string,
      [string, string, Buffer],
    ]
    expect(type).toMatch(/^audio\//)
    expect(sound.length).toBeGreaterThan(500)
    await page.context().close()
  })

  test('a recording that is cancelled is sent to nobody', async () => {
    const page = await enter()
    const before = ears.hits.length
    await page.getByRole('button', { name: 'Speak' }).click()
    await page.getByRole('timer', { name: 'Recording' }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('timer').waitFor({ state: 'detached' })
    expect(ears.hits.length).toBe(before)
    expect(await composer(page).inputValue()).toBe('')
    await page.context().close()
  })

  test('another provider that answers is told of', async () => {
    first.next(refuse(500))
    const page = await enter()
    await ask(page, 'Who is there?')
    await page.getByText('Another provider answers: one failed before.').waitFor()
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
    await page.reload()
    await page.getByText('Another provider answers: one failed before.').waitFor()
    await page.context().close()
  })

  test('without a network it says so, keeps what is written, and goes on when it is back', async () => {
    const page = await enter()
    await composer(page).fill('for later')
    await page.context().setOffline(true)
    await page.getByText('No network').waitFor()
    expect(await composer(page).inputValue()).toBe('for later')
    await page.context().setOffline(false)
    await page.getByText('No network').waitFor({ state: 'detached' })
    await composer(page).press('Enter')
    await answer(page).waitFor()
    await page.context().close()
  })

  test('a picture in an answer is asked for, and one of this machine is refused', async () => {
    const url = `${new URL(ears.url).origin}/picture.png`
    const page = await enter()
    // The first one may still rest after it failed.
    for (const either of [first, second]) either.always(stream({ words: [`![A cat](${url})`] }))
    const before = ears.begun()
    await ask(page, 'Show me a cat.')
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
    expect(ears.begun()).toBe(before)
    await page.getByRole('button', { name: /^Load image from 127\.0\.0\.1/ }).click()
    await page.getByText(/may not be fetched/).waitFor()
    expect(ears.begun()).toBe(before)
    await page.context().close()
  })
})
