import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingBrowser, openBrowser, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { composer } from './measures.ts'

const root = join(import.meta.dirname, '../..')
/** What somebody should wait at most on a quiet machine, and how much slower one may be that does other things. */
const patienceMs = 5_000
const slowness = 3

interface Market {
  readonly pageUrl: string
  readonly provider: string
  readonly model: string
}

describe.skipIf(missingBrowser)('the first run', () => {
  let child: ChildProcess
  let market: Market
  let browser: Browser

  beforeAll(async () => {
    await builtPages()
    child = spawn(process.execPath, ['scripts/demo.ts', '--keep', '--json'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
    market = JSON.parse(line) as Market
    browser = await openBrowser()
  }, 240_000)

  afterAll(async () => {
    await browser?.close()
    child?.kill('SIGTERM')
    if (child && child.exitCode === null) await once(child, 'exit')
  }, 60_000)

  test('the printed address leads to an answer of the provider, with no input but the prompt', async () => {
    const startedAt = performance.now()
    const { page, context, complaints } = await visit(browser, market.pageUrl)
    await composer(page).fill('What is 7 plus 5?')
    await composer(page).press('Enter')
    await page.locator('.answer').getByText('12').waitFor()
    const ms = performance.now() - startedAt
    expect(ms).toBeLessThan(patienceMs * slowness)
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Details' }).last().click()
    await page.getByRole('dialog').getByText(market.provider.slice(0, 8), { exact: false }).first().waitFor()
    expect(complaints).toEqual([])
    await context.close()
  }, 90_000)
})
