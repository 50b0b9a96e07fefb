import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultyUpstream, refuse, startFaultyUpstream } from '../faulty-upstream.ts'
import { barriers } from './axe.ts'
import { missingBrowser, openBrowser, type Visit, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { startNode, type UiNode } from './node.ts'

const screens = {
  Overview: '/node',
  Network: '/node/network',
  Models: '/node/models',
  Providers: '/node/providers',
  Endpoints: '/node/endpoints',
  Profiles: '/node/profiles',
  Requests: '/node/requests',
  Logs: '/node/logs',
  Alerts: '/node/alerts',
}

const wide = { width: 1280, height: 800 }
const phone = { width: 390, height: 844 }

describe.skipIf(missingBrowser)('nothing keeps anybody from using the pages of a node', { timeout: 60_000 }, () => {
  let upstream: FaultyUpstream
  let node: UiNode
  let browser: Browser
  let entered: Visit

  beforeAll(async () => {
    await builtPages()
    upstream = await startFaultyUpstream(['gpt-broken'])
    upstream.always(refuse(500))
    node = await startNode(`[[upstreams]]\nname = "bad"\nurl = "${upstream.url}"\n[routing]\nattemptsMax = 1`)
    browser = await openBrowser()
    for (let count = 0; count < 4; count++) {
      const response = await fetch(`${node.origin}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${node.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-broken', messages: [{ role: 'user', content: 'Hello' }] }),
      })
      await response.text()
    }
    entered = await visit(browser, node.pageUrl)
    await entered.page.getByRole('link', { name: 'New chat' }).waitFor()
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await node?.stop()
    await upstream?.stop()
    expect(entered.complaints).toEqual([])
  })

  test.each(Object.entries(screens))('%s: light, dark and on a phone', async (title, path) => {
    const { page } = entered
    await page.setViewportSize(wide)
    // A colour that is on its way from one theme to the other is none.
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    await page.goto(node.origin + path)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0)
    expect(await barriers(page)).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await barriers(page)).toEqual([])
    await page.setViewportSize(phone)
    expect(await barriers(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0)
  })
})
