import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type FaultyUpstream, startFaultyUpstream } from '../faulty-upstream.ts'
import { openBrowser, type Visit, type VisitOptions, visit } from './browser.ts'
import { startNode, type UiNode } from './node.ts'

const root = join(import.meta.dirname, '../..')
const startMs = 180_000

/** A node with the built-in model and a service that does as it is told, and people who visit its pages. */
export function chatRoom() {
  let browser: Browser
  const room = {} as { upstream: FaultyUpstream; node: UiNode }
  const visits: Visit[] = []

  beforeAll(async () => {
    await promisify(execFile)(process.execPath, ['scripts/build-ui.ts', '--if-needed'], { cwd: root })
    room.upstream = await startFaultyUpstream(['faulty'])
    const lines = ['[[upstreams]]', 'name = "service"', `url = "${room.upstream.url}"`]
    const more = ['prices = [{ in = "2", out = "8" }]', '[routing]', 'sameProviderRetries = 0']
    room.node = await startNode([...lines, ...more].join('\n'))
    browser = await openBrowser()
  }, startMs)

  afterAll(async () => {
    await browser?.close()
    await room.node?.stop()
    await room.upstream?.stop()
  })

  afterEach(async () => {
    const complaints = visits.flatMap(each => each.complaints)
    await Promise.all(visits.splice(0).map(({ context }) => context.close()))
    room.upstream.reset()
    expect(complaints).toEqual([])
  })

  async function enter(options: VisitOptions = {}): Promise<Page> {
    const entered = await visit(browser, await room.node.newPageUrl(), options)
    visits.push(entered)
    await entered.page.locator('textarea').waitFor()
    return entered.page
  }

  /** A page whose chats the given model answers. */
  async function enterWith(model: string, options: VisitOptions = {}): Promise<Page> {
    const page = await enter(options)
    await page.getByRole('button', { name: /^Model: / }).click()
    await page.getByRole('option', { name: model }).click()
    await page.getByRole('button', { name: `Model: ${model}` }).waitFor()
    return page
  }

  return { room, enter, enterWith }
}

export function composer(page: Page): Locator {
  return page.getByRole('textbox', { name: 'Message', exact: true })
}

/** The newest. */
export function answer(page: Page): Locator {
  return page.getByRole('article', { name: /^Answer of/ }).last()
}

export async function ask(page: Page, text: string): Promise<void> {
  await composer(page).fill(text)
  await composer(page).press('Enter')
}

interface Sent {
  readonly role: string
  readonly content: unknown
}

/** What the service was sent last. */
export function sent({ hits }: FaultyUpstream): readonly Sent[] {
  return (hits.at(-1)?.body.messages ?? []) as Sent[]
}

export function sentTexts(upstream: FaultyUpstream): readonly unknown[] {
  return sent(upstream).map(({ content }) => content)
}
