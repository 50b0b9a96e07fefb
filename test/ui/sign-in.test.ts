import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Managed, startOnChain } from '../node/treasury.ts'
import { barriers } from './axe.ts'
import { missingBrowser, openBrowser, type Visit, type VisitOptions, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { originOf } from './doors.ts'

const door = join(import.meta.dirname, '../../scripts/parley.cjs')
const email = 'ada@example.com'
const password = 'correct horse battery staple'

describe.skipIf(missingBrowser)('the ways into a node', { timeout: 60_000 }, () => {
  let managed: Managed
  let browser: Browser
  let origin: string
  const visits: Visit[] = []

  beforeAll(async () => {
    await builtPages()
    managed = await startOnChain(undefined, undefined, { models: { nano: false } })
    origin = originOf(managed)
    browser = await openBrowser()
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await managed?.stop()
  })

  afterEach(async () => {
    const complaints = visits.flatMap(each => each.complaints)
    await Promise.all(visits.splice(0).map(({ context }) => context.close()))
    expect(complaints).toEqual([])
  })

  async function open(path: string, options: VisitOptions = {}): Promise<Page> {
    const entered = await visit(browser, `${origin}${path}`, options)
    visits.push(entered)
    return entered.page
  }

  const heading = (page: Page, name: string) => page.getByRole('heading', { name })
  const makeCode = async () => (await managed.api('POST /auth/link', {})).body.code as string

  test('whoever runs the node comes in by a code, to where he wanted to go, and stays in', async () => {
    const page = await open('/settings/about')
    await heading(page, 'Sign in as who runs this node').waitFor()
    await page.getByLabel('Code').fill('WRON-GONE')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Code').fill((await makeCode()).toLowerCase())
    await page.keyboard.press('Enter')
    await heading(page, 'About').waitFor()
    expect(new URL(page.url()).pathname).toBe('/settings/about')
    await page.reload()
    await heading(page, 'About').waitFor()
  })

  test('a link is good once and leaves no trace in the address', async () => {
    const code = await makeCode()
    const page = await open(`/settings/about#code=${code}`)
    await heading(page, 'About').waitFor()
    expect(page.url()).toBe(`${origin}/settings/about`)
    const other = await open(`/settings/about#code=${code}`)
    await other.getByText('This link was used already or is too old.').waitFor()
    expect(other.url()).toBe(`${origin}/settings/about`)
  })

  test('the first admin makes an account, signs out and in again; a wrong password does not open', async () => {
    const env = { ...process.env, PARLEY_HOME: managed.home, NO_COLOR: '1' }
    const { stdout } = await promisify(execFile)(process.execPath, [door, 'admin', 'setup', '--json'], { env })
    const page = await open(`/settings/about#setup=${JSON.parse(stdout).token}`)
    await heading(page, 'The first account').waitFor()
    expect(page.url()).toBe(`${origin}/settings/about`)
    await page.getByLabel('Name').fill('Ada')
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Create account' }).click()
    await heading(page, 'About').waitFor()
    await page.goto(`${origin}/settings/people?tab=account`)
    await page.getByText(email).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await heading(page, 'Sign in').waitFor()
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password', { exact: true }).fill('something else')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.keyboard.press('Enter')
    await page.getByText(email).waitFor()
    const { value: kept } = await page
      .evaluateHandle(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]))
      .then(async handle => ({ value: await handle.jsonValue() }))
    expect(kept).not.toContain(password)
  })

  test('who was asked in chooses a password; the invitation is good once', async () => {
    const invite = { email: 'bob@example.com', name: 'Bob', role: 'user' }
    const { invitation } = (await managed.api('POST /users', invite)).body
    const page = await open(`/settings/about#invitation=${invitation}`)
    await heading(page, 'You are invited').waitFor()
    await page.getByLabel('New password').fill('short')
    await page.getByText('At least 10 characters').waitFor()
    await page.getByLabel('New password').fill(password)
    await page.getByRole('button', { name: 'Accept invitation' }).click()
    await heading(page, 'About').waitFor()
    const other = await open(`/#invitation=${invitation}`)
    await other.getByLabel('New password').fill(password)
    await other.getByRole('button', { name: 'Accept invitation' }).click()
    await other.getByRole('alert').waitFor()
  })

  test('a node that cannot be reached is tried again by itself', async () => {
    const page = await open('/settings/about')
    await heading(page, 'Sign in').waitFor()
    await page.context().route('**/api/auth/**', route => route.abort())
    await page.reload()
    await page.getByText('The node cannot be reached').waitFor()
    await page.context().unroute('**/api/auth/**')
    await heading(page, 'Sign in').waitFor()
  })

  test('a node that is away when the session is renewed does not end it', async () => {
    const page = await open(`/settings/people#code=${await makeCode()}`)
    await heading(page, 'Keys & users').waitFor()
    let refused = 0
    await page.context().route('**/api/auth/refresh', route => {
      refused++
      return refused % 2 === 0 ? route.fulfill({ status: 503, body: '{}' }) : route.abort()
    })
    await page.evaluate(() => {
      const now = Date.now.bind(Date)
      Date.now = () => now() + 13 * 60_000
    })
    // Whoever comes back to a page has it ask again, and renew its session for that.
    const asked = async () => {
      await page.evaluate(() => dispatchEvent(new Event('visibilitychange')))
      return refused
    }
    await expect.poll(asked, { timeout: 30_000 }).toBeGreaterThan(1)
    await heading(page, 'Keys & users').waitFor()
    const renewed = page.waitForResponse(response => response.url().endsWith('/auth/refresh') && response.ok())
    await page.context().unroute('**/api/auth/refresh')
    await asked()
    await renewed
    await heading(page, 'Keys & users').waitFor()
  })

  test('a session that was ended elsewhere says so', async () => {
    const page = await open(`/settings/people#code=${await makeCode()}`)
    await heading(page, 'Keys & users').waitFor()
    await managed.api('DELETE /sessions')
    await page.reload()
    await page
      .getByText(/Sign in/)
      .first()
      .waitFor()
  })

  test('nobody is kept out: light and dark, wide and on a phone', async () => {
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      for (const path of ['/', '/#invitation=x', '/#code=USED-USED']) {
        const page = await open(path, { scheme, width })
        await page.getByRole('heading', { level: 1 }).waitFor()
        expect(await barriers(page), `${path} ${scheme}`).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path).toBe(true)
      }
    }
  })
})
