import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { appOf, offered, until } from '../node/market.ts'
import { createHome, type DevChain, freePort, startChain } from '../node/stage.ts'
import { type Managed, startOnChain, walletPassword } from '../node/treasury.ts'
import { missingBrowser, openBrowser, type Visit, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { enter, originOf } from './doors.ts'

const nano = 'parley-nano'
const password = 'correct horse battery staple'
const hash = /0x[0-9a-f]{6}…[0-9a-f]{6}/
const noModel = { models: { nano: false } }

describe.skipIf(missingBrowser)('wallets, claims and stakes by their pages', { timeout: 60_000 }, () => {
  let dev: DevChain
  let seller: Managed
  let buyer: Managed
  let keeper: Managed
  let browser: Browser
  const home = createHome()
  const visits: Visit[] = []

  beforeAll(async () => {
    await builtPages()
    dev = await startChain()
    const endpoint = `/ip4/127.0.0.1/tcp/${await freePort()}`
    seller = await startOnChain(dev, 1, { provider: { enabled: true }, p2p: { listen: [endpoint] } })
    await seller.api('POST /selling/register', { endpoint })
    await seller.api('POST /selling/offers', {})
    keeper = await startOnChain(dev, undefined, noModel, { ...home, remove: () => {} })
    buyer = await startOnChain(dev, undefined, noModel)
    await buyer.api('POST /wallet', { password: walletPassword })
    await buyer.api('POST /wallet/faucet', {})
    await buyer.api('POST /escrow/deposit', { amount: '5' })
    browser = await openBrowser()
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    await buyer?.stop()
    await keeper?.stop()
    await seller?.stop()
    await dev?.stop()
    home.remove()
  })

  afterEach(async () => {
    const complaints = visits.flatMap(each => each.complaints)
    await Promise.all(visits.splice(0).map(({ context }) => context.close()))
    expect(complaints).toEqual([])
  })

  async function open(managed: Managed, path: string): Promise<Page> {
    const entered = await enter(browser, managed, path)
    visits.push(entered)
    return entered.page
  }

  const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })
  const dialog = (page: Page) => page.getByRole('dialog')

  test('a wallet is taken in by its private key, which the page forgets', async () => {
    const { address, privateKey } = dev.accounts[4]!
    const page = await open(keeper, '/money')
    await button(page, 'Import').click()
    await dialog(page).getByRole('tab', { name: 'Private key' }).click()
    const key = dialog(page).getByRole('textbox', { name: 'Private key' })
    await key.fill(`${privateKey}00`)
    await dialog(page).getByLabel('Password here', { exact: true }).fill(walletPassword)
    await dialog(page).getByLabel('Password once more').fill(walletPassword)
    await button(page, 'Import').click()
    await dialog(page).getByRole('alert').waitFor()
    expect(await key.inputValue()).toBe('')
    await key.fill(privateKey)
    await dialog(page).getByLabel('Password here', { exact: true }).fill(walletPassword)
    await dialog(page).getByLabel('Password once more').fill(walletPassword)
    await button(page, 'Import').click()
    await dialog(page).waitFor({ state: 'detached' })
    await page.getByText(address, { exact: true }).waitFor()
    expect(await page.content()).not.toContain(privateKey.slice(2))
  })

  test('after a restart it is locked; its password opens it, another one does not', async () => {
    await keeper.stop()
    keeper = await startOnChain(dev, undefined, noModel, { ...home, remove: () => {} })
    const page = await open(keeper, '/money')
    await page.getByText('The wallet is locked').waitFor()
    await page.getByText(dev.accounts[4]!.address, { exact: true }).waitFor()
    expect(await button(page, 'Deposit').count()).toBe(0)
    const field = page.getByLabel('Password', { exact: true })
    await field.fill('not this one at all')
    await button(page, 'Unlock').click()
    await page
      .getByText(/password/i)
      .and(page.locator('p.text-destructive'))
      .waitFor()
    await field.fill(walletPassword)
    await page.keyboard.press('Enter')
    await page.getByText('The wallet is locked').waitFor({ state: 'detached' })
    await button(page, 'Deposit').first().waitFor()
    expect((await keeper.api('GET /wallet')).body.state).toBe('open')
  })

  test('what is owed is claimed, and the page says what came of it', async () => {
    await until(() => buyer.node.status().models.includes(nano), 'the provider is learned')
    await offered(buyer.node, nano)
    const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }]
    await appOf(buyer.node).chat.completions.create({ model: nano, temperature: 0, messages })
    await until(() => seller.node.status().models.includes(nano), 'the seller is up')
    const page = await open(seller, '/money/selling')
    const { totals } = (await seller.api('GET /selling')).body
    expect(BigInt(totals.owed)).toBeGreaterThan(0n)
    const amount = `${Number(totals.owed) / 1e6} PTD`
    await button(page, 'Claim').click()
    await dialog(page).getByText(`${amount} come to your payout address`).waitFor()
    await button(page, 'Claim').click()
    await dialog(page).getByText(`${amount} were paid out.`).waitFor()
    await dialog(page).getByText(hash).waitFor()
    await button(page, 'Close').last().click()
    await page.getByText(`${amount} of it claimed`).waitFor()
    await expect.poll(() => button(page, 'Claim').isDisabled()).toBe(true)
  })

  test('who may only look sees the money, and why there is nothing to press', async () => {
    const viewer = { email: 'vera@example.com', name: 'Vera', role: 'viewer', password }
    await seller.api('POST /users', viewer)
    const entered = await visit(browser, `${originOf(seller)}/money`)
    visits.push(entered)
    const { page } = entered
    await page.getByLabel('E-mail').fill(viewer.email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Wallet', level: 1 }).waitFor()
    await page.getByText(dev.accounts[1]!.address, { exact: true }).waitFor()
    const link = page.getByRole('link', { name: 'Stake & offers' })
    for (const path of ['/money', '/money/sessions', '/money/selling']) {
      await page.goto(originOf(seller) + path)
      await link.waitFor()
      await page.getByText('Only an admin moves money.').waitFor()
      for (const name of [
        'Deposit',
        'Get test tokens',
        'Close and refund',
        'Claim',
        'Add stake',
        'Leave',
        'Write prices',
      ])
        expect(await button(page, name).count(), `${path} ${name}`).toBe(0)
    }
    await page.getByText('100 PTD', { exact: true }).waitFor()
    await page.goto(`${originOf(seller)}/money/earnings`)
    await page.getByRole('img', { name: 'Earnings over time' }).waitFor()
  })

  test('a stake grows, and its owner leaves the registry when the whole amount was typed', async () => {
    const page = await open(seller, '/money/selling')
    await button(page, 'Add stake').click()
    await dialog(page)
      .getByLabel(/^Amount/)
      .fill('7.5')
    await button(page, 'Add stake').last().click()
    await dialog(page).getByText(hash).waitFor()
    await button(page, 'Close').last().click()
    await page.getByText('107.5 PTD', { exact: true }).waitFor()
    await button(page, 'Leave').click()
    const leave = button(page, 'Leave the registry')
    await dialog(page).getByText('The stake of 107.5 PTD can be taken out on about').waitFor()
    expect(await leave.isDisabled()).toBe(true)
    await dialog(page).getByLabel('Type “107.5” to confirm').fill('107.5')
    await leave.click()
    await dialog(page).getByText(hash).waitFor()
    await button(page, 'Close').last().click()
    await page.getByText('The stake of 107.5 PTD can be taken out on').waitFor()
    expect(await button(page, 'Add stake').count()).toBe(0)
    expect((await seller.api('GET /selling')).body.registered.exitAt).not.toBeNull()
  })
})
