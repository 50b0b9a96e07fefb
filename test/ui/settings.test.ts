import { Secret, TOTP } from 'otpauth'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Managed, startOnChain } from '../node/treasury.ts'
import { barriers } from './axe.ts'
import { missingBrowser, openBrowser, type Visit, type VisitOptions, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { enter, originOf } from './doors.ts'

const password = 'correct horse battery staple'

describe.skipIf(missingBrowser)('the settings', { timeout: 60_000 }, () => {
  let managed: Managed
  let browser: Browser
  let origin: string
  const visits: Visit[] = []

  beforeAll(async () => {
    await builtPages()
    managed = await startOnChain(undefined, undefined)
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
    const entered = await enter(browser, managed, path, options)
    visits.push(entered)
    return entered.page
  }

  const dialog = (page: Page) => page.getByRole('dialog')
  const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
  const call = async (secret: string) =>
    (await fetch(`${origin}/v1/models`, { headers: { authorization: `Bearer ${secret}` } })).status
  const shownSecret = async (page: Page) => {
    await dialog(page).getByText('Your new key').waitFor()
    const secret = await dialog(page).locator('[data-secret]').first().innerText()
    await button(page, 'I have copied it').click()
    await dialog(page).waitFor({ state: 'detached' })
    return secret
  }
  const choose = async (page: Page, of: string, item: string) => {
    await button(page, `What to do with ${of}`).click()
    await page.getByRole('menuitem', { name: item }).click()
  }

  test('a key is made, used, changed, renewed and revoked; its secret is shown once', async () => {
    const page = await open('/settings/people')
    await button(page, 'New key').click()
    await dialog(page).getByLabel('Name').fill('shop')
    await dialog(page).getByLabel('Project').fill('web')
    await dialog(page).getByLabel('Requests per minute').fill('600')
    await dialog(page).getByLabel('Expires').selectOption('30')
    await button(page, 'Create key').click()
    const first = await shownSecret(page)
    expect(await call(first)).toBe(200)
    await page.getByText('600/min').waitFor()
    expect(await page.content()).not.toContain(first)
    await choose(page, 'shop', 'Edit')
    expect(await dialog(page).getByLabel('Project').inputValue()).toBe('web')
    await dialog(page).getByLabel('At once').fill('4')
    await button(page, 'Save').click()
    await page.getByText('600/min · 4 at once').waitFor()
    await choose(page, 'shop', 'Rotate')
    await dialog(page).getByLabel('The old key works for').selectOption('0')
    await dialog(page).getByRole('button', { name: 'Rotate' }).click()
    const second = await shownSecret(page)
    await expect.poll(() => call(first)).toBe(401)
    expect(await call(second)).toBe(200)
    await choose(page, 'shop', 'Revoke')
    await dialog(page).getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('“shop” was revoked').waitFor()
    await expect.poll(() => call(second)).toBe(401)
    const { data } = (await managed.api('GET /keys')).body
    expect(data.filter(({ name }: { name: string }) => name === 'shop')).toHaveLength(2)
  })

  test('a budget bounds a project, and is taken away', async () => {
    const page = await open('/settings/people?tab=budgets')
    await button(page, 'New budget').click()
    await dialog(page).getByLabel('For').selectOption('project')
    await dialog(page).getByLabel('Which one').fill('web')
    await dialog(page).getByLabel('Amount in dollars').fill('20')
    await dialog(page).getByRole('button', { name: 'New budget' }).click()
    await page.getByText('$0.00 of $20.00').waitFor()
    await button(page, 'What to do with the budget of web').click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await dialog(page).getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No budgets').waitFor()
  })

  test('somebody is invited, comes in elsewhere, and sees what the role allows', async () => {
    const page = await open('/settings/people?tab=users')
    await button(page, 'Invite').click()
    await dialog(page).getByLabel('Name').fill('Grace')
    await dialog(page).getByLabel('E-mail').fill('grace@example.com')
    await button(page, 'Make the link').click()
    await dialog(page).getByText('The link').waitFor()
    const link = await dialog(page).locator('[data-secret]').innerText()
    const guest = await visit(browser, link)
    visits.push(guest)
    await guest.page.getByLabel('New password').fill(password)
    await guest.page.getByRole('button', { name: 'Accept invitation' }).click()
    await guest.page.getByRole('navigation', { name: 'Navigation' }).waitFor()
    expect(await guest.page.getByRole('button', { name: 'Money' }).count()).toBe(0)
    await guest.page.goto(`${origin}/settings/people`)
    await guest.page.getByText('No API keys yet').waitFor()
    expect(await guest.page.getByRole('tab').allInnerTexts()).toEqual(['API keys', 'My account'])
    await guest.page.getByRole('button', { name: 'New key' }).first().click()
    expect(await guest.page.getByLabel('Requests per minute').count()).toBe(0)
    await guest.page.getByLabel('Name').fill('mine')
    await guest.page.getByRole('button', { name: 'Create key' }).click()
    expect(await call(await shownSecret(guest.page))).toBe(200)
    await page.reload()
    await page.getByText('grace@example.com').waitFor()
    await choose(page, 'Grace', 'Disable')
    await dialog(page).getByRole('button', { name: 'Disable' }).click()
    await page.getByText('disabled', { exact: true }).waitFor()
    await guest.page.reload()
    await guest.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('a second factor is set up, asked for, and removed', async () => {
    const email = 'ada@example.com'
    await managed.api('POST /users', { email, name: 'Ada', role: 'viewer', password })
    const { page, ...rest } = await visit(browser, `${origin}/settings/people?tab=account`)
    visits.push({ page, ...rest })
    const logIn = async () => {
      await page.getByLabel('E-mail').fill(email)
      await page.getByLabel('Password', { exact: true }).fill(password)
      await page.keyboard.press('Enter')
    }
    await logIn()
    await button(page, 'Set up').click()
    const secret = await dialog(page).locator('[data-secret]').innerText()
    // A code counts once: each use takes the one of another step.
    const code = (step: number) =>
      new TOTP({ secret: Secret.fromBase32(secret.trim()) }).generate({ timestamp: Date.now() + step * 30_000 })
    await dialog(page).getByLabel('Code', { exact: true }).fill('000000')
    await button(page, 'Turn on').click()
    await dialog(page).getByRole('alert').waitFor()
    await dialog(page).getByLabel('Code', { exact: true }).fill(code(-1))
    await button(page, 'Turn on').click()
    await page.getByText('The second factor is on').waitFor()
    await button(page, 'Sign out').click()
    await logIn()
    await page.getByText('Enter the code your authenticator app shows now.').waitFor()
    await page.getByLabel('Code').fill(code(0))
    await page.keyboard.press('Enter')
    await button(page, 'Remove').click()
    await dialog(page).getByLabel('Code', { exact: true }).fill(code(1))
    await dialog(page).getByRole('button', { name: 'Remove' }).click()
    await page.getByText('The second factor was removed').waitFor()
    await button(page, 'Set up').waitFor()
  })

  test('look, language and shortcuts are kept', async () => {
    const page = await open('/settings/appearance')
    await page.getByText('Dark', { exact: true }).click()
    expect(await page.locator('html').getAttribute('class')).toContain('dark')
    await page.goto(`${origin}/settings/shortcuts`)
    const palette = button(page, /^Go to or do something/)
    await palette.click()
    await page.keyboard.press('j')
    await page.getByText(/letters alone are for writing/).waitFor()
    await page.keyboard.press('Control+b')
    await page.getByText(/already does “Show or hide the navigation”/).waitFor()
    await page.keyboard.press('Control+j')
    expect(await palette.innerText()).toMatch(/Ctrl\s*J/)
    await page.getByRole('heading', { level: 1 }).click()
    await page.keyboard.press('Control+j')
    await dialog(page).waitFor()
    await page.keyboard.press('Escape')
    await page.goto(`${origin}/settings`)
    await page.getByLabel('Language').selectOption('de')
    await page.getByRole('heading', { name: 'Allgemein' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Allgemein' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('de')
    expect(await page.locator('html').getAttribute('class')).toContain('dark')
    await page.goto(`${origin}/settings/shortcuts`)
    expect(await button(page, /^Etwas öffnen/).innerText()).toMatch(/Ctrl\s*J/)
    await button(page, 'Alle zurücksetzen').click()
    expect(await button(page, /^Etwas öffnen/).innerText()).toMatch(/Ctrl\s*K/)
  })

  test('nobody is kept out: light and dark, wide and on a phone', { timeout: 120_000 }, async () => {
    const tabs = ['', '?tab=budgets', '?tab=users', '?tab=sessions'].map(tab => `/people${tab}`)
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      const page = await open('/settings', { scheme, width })
      for (const path of ['', ...tabs, '/privacy', '/appearance', '/shortcuts', '/about']) {
        await page.goto(`${origin}/settings${path}`)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.locator('#content').getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
        expect(await barriers(page), `${path} ${scheme}`).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path).toBe(true)
      }
    }
  })
})
