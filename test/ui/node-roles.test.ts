import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FaultyUpstream, hang, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { type Managed, startOnChain } from '../node/treasury.ts'
import { missingBrowser, openBrowser, type Visit, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { enter, originOf } from './doors.ts'

const password = 'correct horse battery staple'

describe.skipIf(missingBrowser)('the pages of a node, by who looks', { timeout: 60_000 }, () => {
  let upstream: FaultyUpstream
  let managed: Managed
  let browser: Browser
  const visits: Visit[] = []

  beforeAll(async () => {
    await builtPages()
    upstream = await startFaultyUpstream(['gpt-small'])
    upstream.always(stream())
    managed = await startOnChain(undefined, undefined, {
      models: { nano: false },
      upstreams: [{ name: 'written', url: upstream.url }],
    })
    for (const role of ['viewer', 'operator'])
      await managed.api('POST /users', { email: `${role}@example.com`, name: role, role, password })
    browser = await openBrowser()
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await managed?.stop()
    await upstream?.stop()
  })

  afterEach(async () => {
    const complaints = visits.flatMap(each => each.complaints)
    await Promise.all(visits.splice(0).map(({ context }) => context.close()))
    expect(complaints).toEqual([])
  })

  async function signIn(role: 'viewer' | 'operator', path: string): Promise<Page> {
    const entered = await visit(browser, originOf(managed) + path)
    visits.push(entered)
    const { page } = entered
    await page.getByLabel('E-mail').fill(`${role}@example.com`)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'New chat' }).waitFor()
    return page
  }
  const go = async (page: Page, path: string, title: string) => {
    await page.goto(originOf(managed) + path)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
  }
  const pathSwitch = (page: Page) => page.getByRole('switch')

  test('an operator sets it up: providers, paths, profiles', async () => {
    const page = await signIn('operator', '/node')
    await go(page, '/node/providers', 'Providers')
    await page.getByRole('heading', { name: 'written', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Add a provider' }).waitFor()
    await go(page, '/node/endpoints', 'Endpoints')
    await page.getByText('Open: apps with a key can call it.').waitFor()
    await pathSwitch(page).click()
    await page.getByRole('button', { name: 'Close it' }).click()
    await page.getByText('Closed: every call of this path is answered with 404.').waitFor()
    await pathSwitch(page).click()
    await page.getByText('Open: apps with a key can call it.').waitFor()
    await page.getByLabel('Model or name').fill('gpt-small')
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.getByText('written would be asked first, for gpt-small.').waitFor()
    await go(page, '/node/profiles', 'Profiles')
    await page.getByRole('button', { name: 'Save what runs' }).first().waitFor()
    await go(page, '/money', 'Wallet')
    await page.getByText('Only an admin moves money.').waitFor()
    expect(await page.getByRole('button', { name: 'Create a wallet' }).count()).toBe(0)
  })

  test('a viewer sees the same and changes nothing', async () => {
    const page = await signIn('viewer', '/node')
    await go(page, '/node', 'Overview')
    await page.getByText('Requests per minute').waitFor()
    await go(page, '/node/providers', 'Providers')
    await page.getByRole('heading', { name: 'written', exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Add a provider' }).count()).toBe(0)
    await go(page, '/node/endpoints', 'Endpoints')
    await page.getByText('Operators can ask the router here who would answer.').waitFor()
    expect(await pathSwitch(page).isDisabled()).toBe(true)
    await go(page, '/node/profiles', 'Profiles')
    expect(await page.getByRole('button', { name: 'Save what runs' }).count()).toBe(0)
  })

  test('a call that its app left is in the list, and no error of the node', async () => {
    const { secret } = (await managed.api('POST /keys', { name: 'impatient' })).body
    upstream.next(hang('middle'))
    const left = new AbortController()
    const response = await fetch(`${originOf(managed)}/v1/chat/completions`, {
      method: 'POST',
      signal: left.signal,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-small', stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
    })
    await response.body!.getReader().read()
    left.abort()
    await expect.poll(async () => (await managed.api('GET /requests')).body.total, { timeout: 10_000 }).toBe(1)
    const entered = await enter(browser, managed, '/node')
    visits.push(entered)
    const { page } = entered
    await page.getByText('1 in the last hour').first().waitFor()
    await page.getByText('none in the last hour').waitFor()
    await page.getByText('0%', { exact: true }).waitFor()
    await go(page, '/node/requests', 'Requests')
    await page.getByRole('table', { name: 'Requests' }).getByText('cancelled').waitFor()
  })

  test('a database that is away is said on every page that shows what it held', async () => {
    const entered = await enter(browser, managed, '/node')
    visits.push(entered)
    const { page } = entered
    await page.route('**/api/status', async route => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...(await response.json()), store: 'down', queues: { requests: 3 } } })
    })
    for (const [path, title] of [
      ['/node', 'Overview'],
      ['/node/requests', 'Requests'],
      ['/node/logs', 'Logs'],
      ['/node/alerts', 'Alerts'],
      ['/node/providers', 'Providers'],
      ['/node/endpoints', 'Endpoints'],
      ['/node/profiles', 'Profiles'],
    ] as const) {
      await go(page, path, title)
      await page.getByText('The database is away').waitFor()
      await page.getByText('3 rows wait to be written.').waitFor()
    }
  })

  test('privacy says whether texts are kept', async () => {
    const page = await signIn('viewer', '/settings/privacy')
    await page.getByText('Texts of requests are not kept, unless a key says otherwise.').waitFor()
  })
})
