import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingBrowser, openBrowser, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { answer, ask, composer } from './chat-room.ts'
import { startNode, type UiNode } from './node.ts'

/** The pages may have to be built first. */
const buildMs = 240_000

describe.skipIf(missingBrowser)('a node with another name, over plain http', { timeout: 60_000 }, () => {
  let node: UiNode
  let browser: Browser

  beforeAll(async () => {
    await builtPages()
    node = await startNode('[http]\nallowedHosts = ["node.test"]\n')
    browser = await openBrowser('--host-resolver-rules=MAP node.test 127.0.0.1')
  }, buildMs)

  afterAll(async () => {
    await browser?.close()
    await node?.stop()
  })

  test('lets people in, answers and copies, without what browsers give to safe pages alone', async () => {
    const { page, complaints } = await visit(browser, node.pageUrl.replace('127.0.0.1', 'node.test'))
    await composer(page).waitFor()
    expect(await page.evaluate(() => isSecureContext)).toBe(false)
    await ask(page, 'What is the capital of France?')
    await answer(page).getByText(/Paris/).waitFor()
    await page.getByRole('article').last().getByRole('button', { name: 'Copy', exact: true }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(complaints.filter(text => !/Cross-Origin-Opener-Policy/.test(text))).toEqual([])
  })
})
