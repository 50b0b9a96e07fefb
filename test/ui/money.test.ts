import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { appOf, offered, until } from '../node/market.ts'
import { type DevChain, freePort, startChain } from '../node/stage.ts'
import { later, type Managed, startOnChain, walletPassword } from '../node/treasury.ts'
import { barriers } from './axe.ts'
import { missingBrowser, openBrowser, type Visit, type VisitOptions } from './browser.ts'
import { builtPages } from './built.ts'
import { enter } from './doors.ts'

const nano = 'parley-nano'
const exitSeconds = 61
const hash = /0x[0-9a-f]{6}…[0-9a-f]{6}/

describe.skipIf(missingBrowser)('the pages of money', { timeout: 60_000 }, () => {
  let dev: DevChain
  let seller: Managed
  let buyer: Managed
  let alone: Managed
  let browser: Browser
  let endpoint: string
  const visits: Visit[] = []

  beforeAll(async () => {
    await builtPages()
    dev = await startChain()
    endpoint = `/ip4/127.0.0.1/tcp/${await freePort()}`
    seller = await startOnChain(dev, 1, { provider: { enabled: true }, p2p: { listen: [endpoint] } })
    buyer = await startOnChain(dev, undefined, { models: { nano: false } })
    alone = await startOnChain(undefined, undefined, { models: { nano: false } })
    browser = await openBrowser()
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    await alone?.stop()
    await buyer?.stop()
    await seller?.stop()
    await dev?.stop()
  })

  afterEach(async () => {
    const complaints = visits.flatMap(each => each.complaints)
    await Promise.all(visits.splice(0).map(({ context }) => context.close()))
    expect(complaints).toEqual([])
  })

  async function open(managed: Managed, path: string, options: VisitOptions = {}): Promise<Page> {
    const entered = await enter(browser, managed, path, options)
    visits.push(entered)
    return entered.page
  }

  const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
  const dialog = (page: Page) => page.getByRole('dialog')

  test('without a chain they say what to do, and what works without', async () => {
    const page = await open(alone, '/money')
    await page.getByText('No chain is configured').waitFor()
    await page.getByText('rpcUrls').waitFor()
    await button(page, 'Create a wallet').waitFor()
  })

  test('a provider registers, and makes the registry say its prices', async () => {
    const page = await open(seller, '/money/selling')
    await page.getByText('Not in the registry yet').waitFor()
    await button(page, 'Register').click()
    const stake = dialog(page).getByLabel(/^Stake/)
    expect(await stake.inputValue()).toBe('100')
    await stake.fill('99')
    await dialog(page).getByText('The registry asks for at least 100').waitFor()
    await stake.fill('100')
    await dialog(page).getByLabel('Address of this node').fill(endpoint)
    await dialog(page).getByLabel('Type “100” to confirm').fill('100')
    await dialog(page).getByRole('button', { name: 'Register' }).click()
    await dialog(page).getByText(hash).waitFor()
    await button(page, 'Close').last().click()
    await page.getByText('The registry says something else').waitFor()
    await button(page, 'Write prices').click()
    await dialog(page).getByRole('button', { name: 'Write' }).click()
    await dialog(page).getByText(hash).waitFor()
    await button(page, 'Close').last().click()
    await page.getByText('same', { exact: true }).waitFor()
    expect((await seller.api('GET /selling')).body.registered).toMatchObject({ endpoint, stake: '100000000' })
  })

  test('a wallet is made, filled, and paid in; what is a lot is typed', async () => {
    const page = await open(buyer, '/money')
    await button(page, 'Create a wallet').click()
    await dialog(page).getByLabel('Password', { exact: true }).fill(walletPassword)
    await dialog(page).getByLabel('Password once more').fill('another one')
    await dialog(page).getByText('The two are not the same.').waitFor()
    expect(await dialog(page).getByRole('button', { name: 'Create' }).isDisabled()).toBe(true)
    await dialog(page).getByLabel('Password once more').fill(walletPassword)
    await dialog(page).getByRole('button', { name: 'Create' }).click()
    await page.getByText('“default.json”').waitFor()
    await page.getByText('No money yet').waitFor()
    const { address } = (await buyer.api('GET /wallet')).body
    await page.getByText(address, { exact: true }).waitFor()
    await button(page, 'I have a copy').click()
    await page.reload()
    await page.getByText(address, { exact: true }).waitFor()
    expect(await page.getByText('Back up the wallet').count()).toBe(0)
    await button(page, 'Get test tokens').click()
    await page.getByText('100 PTD arrived').waitFor()
    await page.getByText('Nothing is in the escrow').waitFor()
    await button(page, 'Deposit').first().click()
    const amount = dialog(page).getByLabel(/^Amount/)
    await amount.fill('100.5')
    await dialog(page).getByText('There are only 100 PTD.').waitFor()
    await amount.fill('12.5')
    const send = dialog(page).getByRole('button', { name: 'Deposit' })
    expect(await send.isDisabled()).toBe(true)
    await dialog(page).getByLabel('Type “12.5” to confirm').fill('12.5')
    await send.click()
    await dialog(page).getByText(hash).waitFor()
    await button(page, 'Close').last().click()
    await page.getByText('87.5 PTD', { exact: true }).waitFor()
    await page.getByText('12.5 PTD', { exact: true }).first().waitFor()
  })

  test('every unit is somewhere; the account is closed and the rest comes home', async () => {
    await until(() => buyer.node.status().models.includes(nano), 'the provider is learned')
    await offered(buyer.node, nano)
    const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }]
    await appOf(buyer.node).chat.completions.create({ model: nano, temperature: 0, messages })
    const page = await open(buyer, '/money/sessions')
    const { whereIsMyMoney: where } = (await buyer.api('GET /escrow')).body
    const owed = Number(where.owed) / 1e6
    expect(owed).toBeGreaterThan(0)
    const line = page.getByText(/are yours or on their way/)
    expect((await line.innerText()).replaceAll('\u00a0', ' ')).toBe(
      `100 PTD are yours or on their way: 87.5 PTD in the wallet, ${12.5 - owed} PTD refundable from the escrow, ${owed} PTD owed to providers.`,
    )
    await page.getByRole('table').getByText(nano).waitFor()
    await button(page, 'Close and refund').click()
    await dialog(page)
      .getByText(`${12.5 - owed} PTD`)
      .waitFor()
    await dialog(page)
      .getByRole('textbox')
      .fill(String(12.5 - owed))
    await button(page, 'Close the account').click()
    await dialog(page).getByText(hash).waitFor()
    await button(page, 'Close').last().click()
    await page.getByText('The account is being closed').waitFor()
    await later(dev, exitSeconds)
    await button(page, /^Take out /).click({ timeout: 40_000 })
    await dialog(page).getByRole('button', { name: 'Take out' }).click()
    await dialog(page).getByText(hash).waitFor()
    expect((await buyer.api('GET /escrow')).body).toMatchObject({ state: 'closed' })
  })

  test('what was earned is shown by day and by payer', async () => {
    const page = await open(seller, '/money/earnings')
    await page.getByRole('img', { name: 'Earnings over time' }).waitFor()
    const { address } = (await buyer.api('GET /wallet')).body
    await page.getByTitle(new RegExp(address, 'i')).waitFor()
    const download = page.waitForEvent('download')
    await button(page, 'CSV').click()
    expect((await download).suggestedFilename()).toBe('earnings.csv')
    await page.getByLabel('Per').selectOption('week')
    expect(new URL(page.url()).searchParams.get('by')).toBe('week')
  })

  test('nobody is kept out: light and dark, wide and on a phone', { timeout: 120_000 }, async () => {
    for (const [managed, scheme, width] of [
      [buyer, 'light', 1280],
      [buyer, 'dark', 390],
      [seller, 'dark', 1280],
      [seller, 'light', 390],
    ] as const) {
      const page = await open(managed, '/money', { scheme, width })
      for (const path of ['/money', '/money/sessions', '/money/selling', '/money/earnings']) {
        await page.goto(new URL(path, page.url()).href)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.locator('#content').getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
        expect(await barriers(page), `${path} ${scheme}`).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path).toBe(true)
      }
    }
  })
})
