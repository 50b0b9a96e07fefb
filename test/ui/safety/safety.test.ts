import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Beacon, startBeacon } from '../beacon.ts'
import { missingBrowser, openBrowser } from '../browser.ts'
import { builtPages } from '../built.ts'
import { startNode, type UiNode } from '../node.ts'
import { startUpstream, type TalkingUpstream } from '../upstream.ts'
import { names, type Payload, payloads } from './payloads.ts'

/** Answers, names and files that mean harm: no script runs, nothing leaves without a click, the page lives. */
describe.skipIf(missingBrowser)('what others say', () => {
  let beacon: Beacon
  let upstream: TalkingUpstream
  let node: UiNode
  let browser: Browser
  let all: readonly Payload[]

  beforeAll(async () => {
    await builtPages()
    beacon = await startBeacon()
    all = payloads(beacon.url)
    const say = (prompt: string) => {
      const [, at = ''] = /payload (\d+)/.exec(prompt) ?? []
      return { text: all[Number(at)]?.text ?? prompt, pieceLength: 2_000 }
    }
    upstream = await startUpstream('mirror', say, names(beacon.url))
    node = await startNode(`${upstream.config}models = ["mirror"]\n[models]\nnano = false\n`)
    browser = await openBrowser()
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await node?.stop()
    await upstream?.close()
    await beacon?.close()
  })

  interface Watched {
    readonly page: Page
    /** Requests to anybody but the node, and windows that opened. */
    readonly left: string[]
  }

  async function watched(bypassCSP: boolean): Promise<Watched> {
    const context = await browser.newContext({ bypassCSP, viewport: { width: 1280, height: 800 } })
    context.setDefaultTimeout(20_000)
    const page = await context.newPage()
    const left: string[] = []
    context.on('request', request => {
      const url = request.url()
      if (!url.startsWith(`${node.origin}/`) && !/^(?:data|blob):/.test(url)) left.push(url)
    })
    context.on('page', opened => left.push(`window ${opened.url()}`))
    page.on('dialog', dialog => {
      left.push(`dialog ${dialog.message()}`)
      void dialog.dismiss()
    })
    await page.goto(await node.newPageUrl())
    await composer(page).waitFor()
    return { page, left }
  }

  const composer = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true })
  const ran = (page: Page) => page.evaluate(() => (globalThis as { __ran?: number }).__ran ?? 0)

  /** What came of an answer: nothing, where all is well. */
  async function harmOf({ page, left }: Watched, at: number): Promise<string[]> {
    const { name, text } = all[at]!
    await page.getByRole('link', { name: 'New chat' }).click()
    await page.waitForURL(`${node.origin}/`)
    await composer(page).fill(`payload ${at}`)
    await composer(page).press('Enter')
    await page.waitForURL(/\/chat\//)
    const isDone = await page
      .getByRole('button', { name: 'Send', exact: true })
      .waitFor()
      .then(
        () => true,
        () => false,
      )
    if (text.includes('mermaid'))
      await page.locator('figcaption', { hasText: /^Diagram$/ }).waitFor({ state: 'detached' })
    await page.waitForTimeout(30)
    const links = await page
      .locator('main a[href]')
      .evaluateAll(found => found.map(link => (link as HTMLAnchorElement).href))
    const odd = links.filter(href => !/^(?:https?|mailto):/.test(href)).map(href => `link ${href}`)
    const frames = await page
      .locator('.answer :is(script, iframe, object, embed, form, style, link, meta, base)')
      .count()
    const harm = [...odd, ...left.splice(0), ...(isDone ? [] : ['the answer never ended'])]
    if ((await ran(page)) > 0) harm.push('a script ran')
    if (frames > 0) harm.push(`${frames} elements that are no text`)
    if (!(await composer(page).isEnabled())) harm.push('the page does not answer')
    return harm.map(what => `${name}: ${what}`)
  }

  test.each([
    ['with the policy of the page', false],
    ['without any policy', true],
  ])(
    'answers, %s',
    async (_, bypassCSP) => {
      const visit = await watched(bypassCSP)
      const harm: string[] = []
      for (let at = 0; at < all.length; at++) harm.push(...(await harmOf(visit, at)))
      expect(all.length).toBeGreaterThanOrEqual(100)
      expect(harm).toEqual([])
      expect(beacon.visits).toEqual([])
      // The chats are still there for somebody who comes back, and can be opened.
      await visit.page.reload()
      await composer(visit.page).waitFor()
      expect(await ran(visit.page)).toBe(0)
      expect(visit.left).toEqual([])
      await visit.page.context().close()
    },
    300_000,
  )

  test('names of models, files and chats', async () => {
    const visit = await watched(true)
    const { page, left } = visit
    for (const name of names(beacon.url).filter(each => !each.includes('\u0000'))) {
      await composer(page).fill(name)
      await composer(page).press('Enter')
      await page.waitForURL(/\/chat\//)
      await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
      await page.getByRole('link', { name: 'New chat' }).click()
      await page.waitForURL(`${node.origin}/`)
    }
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles(
        names(beacon.url)
          .slice(0, 8)
          .map(name => ({
            name: `${name.replaceAll('/', '_').slice(0, 100)}.txt`,
            mimeType: 'text/plain',
            buffer: Buffer.from(name),
          })),
      )
    await composer(page).fill('payload 0')
    await composer(page).press('Enter')
    await page.waitForURL(/\/chat\//)
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
    for (const path of [
      '/node/models',
      '/node/requests',
      '/node/providers',
      '/node/logs',
      '/node/endpoints',
      '/node',
    ]) {
      await page.goto(`${node.origin}${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForTimeout(300)
      expect(await ran(page)).toBe(0)
    }
    expect(left).toEqual([])
    expect(beacon.visits).toEqual([])
    await page.context().close()
  }, 120_000)
})
