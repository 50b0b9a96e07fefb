import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultyUpstream, refuse, startFaultyUpstream, stream, whole } from '../faulty-upstream.ts'
import { missingBrowser, openBrowser, type Visit, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { startNode, type UiNode } from './node.ts'

describe.skipIf(missingBrowser)('setting up a node by its pages', { timeout: 60_000 }, () => {
  let upstream: FaultyUpstream
  let node: UiNode
  let browser: Browser
  let entered: Visit
  let page: Page

  beforeAll(async () => {
    await builtPages()
    upstream = await startFaultyUpstream(['gpt-small', 'gpt-large'])
    const lines = [
      '[management]',
      'allowPrivateUpstreams = true',
      '[[upstreams]]',
      'name = "written"',
      `url = "${upstream.url}"`,
    ]
    node = await startNode(lines.join('\n'))
    browser = await openBrowser()
    entered = await visit(browser, node.pageUrl)
    page = entered.page
    await page.getByRole('link', { name: 'New chat' }).waitFor()
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await node?.stop()
    await upstream?.stop()
    expect(entered.complaints).toEqual([])
  })

  const open = async (path: string, title: string) => {
    await page.goto(node.origin + path)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
  }
  const cardOf = (name: string) =>
    page.getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) })

  async function fillWizard(name: string, key?: string): Promise<void> {
    await page.getByRole('button', { name: 'Add a provider' }).first().click()
    await page.getByRole('button', { name: /OpenAI-compatible/ }).click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByLabel('Address').fill(upstream.url)
    if (key !== undefined) await page.getByLabel('Key', { exact: true }).fill(key)
  }

  test('a provider that answers is tested, kept, and masked', async () => {
    await open('/node/providers', 'Providers')
    await page.getByRole('heading', { name: 'written', exact: true }).waitFor()
    await page.getByText('from the configuration file').first().waitFor()
    upstream.always(stream({ words: ['Good', ' morning'] }))
    await fillWizard('fine', 'sk-secret-of-many-letters-wxyz')
    await page.getByRole('button', { name: 'Test it' }).click()
    await page.getByText('It answers').waitFor()
    await page.getByText('Good morning').waitFor()
    expect(upstream.hits.at(-1)?.headers.authorization).toBe('Bearer sk-secret-of-many-letters-wxyz')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await cardOf('fine').getByText('up', { exact: true }).waitFor()
    await cardOf('fine').getByText('••••wxyz').waitFor()
    expect(await page.content()).not.toContain('sk-secret')
  })

  test('one that fails says why, what helps, and is not left behind when it is not wanted', async () => {
    await open('/node/providers', 'Providers')
    upstream.always(refuse(401))
    await fillWizard('broken', 'sk-wrong')
    await page.getByRole('button', { name: 'Test it' }).click()
    await page.getByText('It does not answer').waitFor()
    await page.getByText('The provider refused this node.').waitFor()
    await page.getByText(/Enter the key anew/).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expect.poll(() => cardOf('broken').count()).toBe(0)
    upstream.always(whole())
  })

  test('an address that cannot be used is named at its field', async () => {
    await open('/node/providers', 'Providers')
    await fillWizard('nowhere')
    await page.getByLabel('Address').fill('http://169.254.169.254/v1')
    await page.getByRole('button', { name: 'Save without a test' }).click()
    await expect.poll(() => page.getByLabel('Address').getAttribute('aria-invalid')).toBe('true')
    await page.getByRole('button', { name: 'Cancel' }).click()
  })

  test('a name of the node’s own, and who would answer it', async () => {
    await open('/node/endpoints', 'Endpoints')
    await page.getByRole('button', { name: 'Add a name' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('quick')
    await dialog.getByLabel('Also called').fill('swift')
    await dialog.getByLabel('Who goes first').selectOption('priority')
    await dialog.getByLabel('Provider').selectOption('fine')
    await dialog.getByLabel('Model there').fill('gpt-small')
    await dialog.getByRole('button', { name: 'Add a target' }).click()
    const second = dialog.getByRole('group', { name: 'Target 2' })
    await second.getByLabel('Provider').selectOption('written')
    await second.getByLabel('Model there').fill('gpt-large')
    await second.getByRole('button', { name: 'Move up' }).click()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('heading', { name: 'quick' }).waitFor()
    await page.getByLabel('Model or name').fill('swift')
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.getByText('written would be asked first, for gpt-large.').waitFor()
    await page.getByLabel('Who goes first').selectOption('private')
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.getByText(/would be asked first/).waitFor()
  })

  test('what would break is said before a provider goes', async () => {
    await open('/node/providers', 'Providers')
    await page.getByRole('button', { name: 'More for fine' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await page.getByText('quick (/v1/chat/completions)').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText(/take it out there first/).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
  })

  test('a closed path says so, and is opened again', async () => {
    await open('/node/endpoints?path=/v1/embeddings', 'Endpoints')
    await page.getByRole('switch').click()
    await page.getByRole('button', { name: 'Close it' }).click()
    await page.getByRole('tab', { name: /Embeddings closed/ }).waitFor()
    await page.getByRole('switch').click()
    await page.getByRole('tab', { name: /Embeddings closed/ }).waitFor({ state: 'detached' })
  })

  async function saveProfile(name: string): Promise<void> {
    await page.getByRole('button', { name: 'Save what runs' }).first().click()
    await page.getByRole('dialog').getByLabel('Name').fill(name)
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name }).waitFor()
  }

  test('what runs is saved, changed, compared and brought back', async () => {
    await open('/node/profiles', 'Profiles')
    await saveProfile('with quick')
    await page.getByText('This is exactly what runs.').waitFor()
    await open('/node/endpoints', 'Endpoints')
    await page.getByRole('button', { name: 'Remove quick' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No names of your own').waitFor()
    await open('/node/profiles', 'Profiles')
    await page
      .getByRole('button', { name: /with quick/ })
      .first()
      .click()
    await page
      .getByText(/"quick": \{/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Activate' }).click()
    await page.getByRole('dialog').getByText('/v1/chat/completions').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Activate' }).click()
    await page.getByText('This is exactly what runs.').waitFor()
    await open('/node/endpoints', 'Endpoints')
    await page.getByRole('heading', { name: 'quick' }).waitFor()
  })

  test('an import is checked, and one in conflict says with what', async () => {
    await open('/node/profiles', 'Profiles')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export what runs' }).click(),
    ])
    const pieces: Buffer[] = []
    for await (const piece of await download.createReadStream()) pieces.push(piece as Buffer)
    const exported = JSON.parse(Buffer.concat(pieces).toString()) as { providers: { name: string }[] }
    expect(exported.providers.map(({ name }) => name)).toEqual(['fine'])
    const taken = { ...exported, providers: exported.providers.map(provider => ({ ...provider, name: 'written' })) }
    await page.getByRole('button', { name: 'Import' }).click()
    const dialog = page.getByRole('dialog')
    const check = async (text: string) => {
      await dialog.getByLabel('Or paste it here').fill(text)
      await dialog.getByRole('button', { name: 'Check it' }).click()
    }
    await check('{')
    await dialog.getByText(/This is no JSON/).waitFor()
    await check('{"schema": 1}')
    await dialog.getByText(/providers is missing/).waitFor()
    await check(JSON.stringify(taken))
    await dialog.getByText('It cannot be taken').waitFor()
    expect(await dialog.getByRole('button', { name: 'Import and run it' }).count()).toBe(0)
    await check(JSON.stringify({ ...exported, endpoints: [], providers: [] }))
    await dialog
      .getByText(/Removed providers|It cannot be taken/)
      .first()
      .waitFor()
    await check(JSON.stringify(exported))
    await dialog.getByText(/Nothing: it is what runs already/).waitFor()
    await dialog.getByLabel('Name').fill('brought back')
    await dialog.getByRole('button', { name: 'Import and run it' }).click()
    await page
      .getByRole('button', { name: /brought back/ })
      .getByText('active')
      .waitFor()
  })
})
