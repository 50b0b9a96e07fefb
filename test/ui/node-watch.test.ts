import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultyUpstream, refuse, startFaultyUpstream, stream, usage } from '../faulty-upstream.ts'
import { barriers } from './axe.ts'
import { missingBrowser, openBrowser, type Visit, visit } from './browser.ts'
import { builtPages } from './built.ts'
import { startNode, type UiNode } from './node.ts'

describe.skipIf(missingBrowser)('watching a node by its pages', { timeout: 60_000 }, () => {
  let good: FaultyUpstream
  let bad: FaultyUpstream
  let node: UiNode
  let browser: Browser
  let entered: Visit
  let page: Page

  beforeAll(async () => {
    await builtPages()
    good = await startFaultyUpstream(['gpt-small'])
    bad = await startFaultyUpstream(['gpt-broken'])
    good.always(stream())
    bad.always(refuse(500))
    const upstreams = [good, bad].map(({ url }, at) => `[[upstreams]]\nname = "${['good', 'bad'][at]}"\nurl = "${url}"`)
    node = await startNode([...upstreams, '[archive]', 'enabled = true', '[routing]', 'attemptsMax = 1'].join('\n'))
    browser = await openBrowser()
    await ask('gpt-small')
    await ask('gpt-broken')
    await ask('=cmd|calc')
    entered = await visit(browser, node.pageUrl)
    page = entered.page
    await page.getByRole('link', { name: 'New chat' }).waitFor()
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await node?.stop()
    await good?.stop()
    await bad?.stop()
    expect(entered.complaints).toEqual([])
  })

  async function ask(model: string): Promise<void> {
    const response = await fetch(`${node.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${node.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'What is a parley?' }] }),
    })
    await response.text()
  }
  const open = async (path: string, title: string | RegExp) => {
    await page.goto(node.origin + path)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
  }
  const rows = () => page.getByRole('table', { name: 'Requests' }).getByRole('row')

  test('the overview counts, and says what is wrong', async () => {
    await open('/node', 'Overview')
    await page.getByText('Requests per minute').waitFor()
    await page.getByText('3 in the last hour').waitFor()
    await page.getByRole('img', { name: 'Traffic: 3' }).waitFor()
  })

  test('lines of the checklist can be skipped, which is remembered', async () => {
    await open('/node', 'Overview')
    await page.getByRole('button', { name: 'Skip: The chain' }).click()
    await page.getByRole('button', { name: 'Skip: The chain' }).waitFor({ state: 'detached' })
    await page.reload()
    await page.getByRole('button', { name: 'Skip: A wallet' }).waitFor()
    expect(await page.getByRole('button', { name: 'Skip: The chain' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Show 1 skipped line' }).click()
    await page.getByRole('button', { name: 'Skip: The chain' }).waitFor()
  })

  test('an app gets an address and a key that works', async () => {
    await open('/node', 'Overview')
    await page.getByLabel('App', { exact: true }).selectOption('curl')
    await page.getByRole('button', { name: 'Make a key' }).click()
    const secret = await page.locator('code[data-secret]').innerText()
    const answer = await fetch(`${node.origin}/v1/models`, { headers: { authorization: `Bearer ${secret}` } })
    expect(answer.status).toBe(200)
    await page.getByText(`export OPENAI_API_KEY=${secret}`).waitFor()
  })

  test('requests are found by what stands in the address, and come by themselves', async () => {
    await open('/node/requests?status=5xx', 'Requests')
    await expect.poll(() => rows().count()).toBe(2)
    await page.getByText('gpt-broken').waitFor()
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await expect.poll(() => rows().count()).toBe(4)
    await ask('gpt-small')
    await expect.poll(() => rows().count(), { timeout: 15_000 }).toBe(5)
    await page.getByLabel('Model', { exact: true }).fill('gpt-small')
    await expect.poll(() => new URL(page.url()).searchParams.get('model')).toBe('gpt-small')
    await expect.poll(() => rows().count()).toBe(3)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('button', { name: 'Follow live' }).waitFor()
  })

  test('a request tells where its time went and, where it is archived, what was said', async () => {
    await open('/node/requests?model=gpt-small', 'Requests')
    await rows().nth(1).click()
    await page.getByRole('heading', { name: /gpt-small/, level: 1 }).waitFor()
    await page.getByText('Waited for the first token').waitFor()
    await page.getByText(`${usage.prompt_tokens} in · ${usage.completion_tokens} out`).waitFor()
    await page.getByText(/What is a parley\?/).waitFor()
    expect(await barriers(page)).toEqual([])
    await page.goBack()
    expect(new URL(page.url()).search).toBe('?model=gpt-small')
  })

  test('one that failed says why, and what helps', async () => {
    await open('/node/requests?model=gpt-broken', 'Requests')
    await rows().nth(1).focus()
    await page.keyboard.press('Enter')
    await page.getByText('Why it failed').waitFor()
    await page.getByRole('link', { name: 'Log lines of this request' }).click()
    await page.getByRole('heading', { name: 'Logs', level: 1 }).waitFor()
  })

  test('what is exported runs nothing in a spreadsheet', async () => {
    await open('/node/requests', 'Requests')
    await expect.poll(() => rows().count()).toBeGreaterThan(3)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export CSV' }).click(),
    ])
    const pieces: Buffer[] = []
    for await (const piece of await download.createReadStream()) pieces.push(piece as Buffer)
    const lines = Buffer.concat(pieces).toString().trimEnd().split('\r\n')
    expect(lines[0]).toMatch(/^timestamp,id,endpoint,model,/)
    expect(lines).toHaveLength(await rows().count())
    expect(lines.some(line => line.includes(`,"'=cmd|calc",`))).toBe(true)
  })

  test('the numbers of all requests, and whose they were', async () => {
    await open('/node/requests?view=numbers', 'Requests')
    const shares = page.getByRole('table', { name: 'Shares' })
    await shares.getByText('good', { exact: true }).waitFor()
    await page.getByRole('img', { name: 'Requests over time' }).waitFor()
    await page.getByLabel('By', { exact: true }).last().selectOption('model')
    await shares.getByText('gpt-small', { exact: true }).waitFor()
  })

  test('lines of the log are narrowed, opened, and their level is switched', async () => {
    await open('/node/logs', 'Logs')
    const lines = page.getByRole('table', { name: 'Logs' })
    await lines.getByText(/node\.started/).waitFor()
    await page.getByLabel('Message contains').fill('node.started')
    await expect.poll(() => lines.getByRole('row').count()).toBe(2)
    await lines.getByRole('row').nth(1).click()
    await page.getByRole('dialog', { name: 'Log line' }).getByText('version').waitFor()
    await page.keyboard.press('Escape')
    await page.getByLabel('Written from').selectOption('debug')
    await page.getByText('The node now writes from “debug”').waitFor()
  })

  test('a model shows who answers it, and leads to the chat', async () => {
    await open('/node/models', 'Models')
    await page.getByRole('table', { name: 'Models' }).getByText('gpt-small').click()
    const sheet = page.getByRole('dialog', { name: 'gpt-small' })
    await sheet.getByText('good', { exact: true }).waitFor()
    expect(await barriers(page)).toEqual([])
    expect(await sheet.getByRole('link', { name: 'Try it' }).getAttribute('href')).toBe('/?model=gpt-small')
  })

  test('the doctor looks for what is wrong', async () => {
    await open('/node/network', 'Network')
    await page.getByRole('button', { name: 'Check this node' }).click()
    const sheet = page.getByRole('dialog', { name: 'How this node is' })
    await sheet.getByText('disk').waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('No chain is set up').waitFor()
  })

  /** The machine's own token, as commands find it. */
  async function asMachine(route: string, body: object): Promise<void> {
    const found = await readdir(node.home, { recursive: true })
    const file = found.find(name => name.endsWith('node.json'))!
    const { token } = JSON.parse(await readFile(join(node.home, file), 'utf8')) as { token: string }
    const response = await fetch(`${node.origin}/api${route}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(response.status).toBeLessThan(300)
  }

  test('who is a user alone sees models and requests of their own, in their language', async () => {
    const login = { email: 'ada@example.com', password: 'correct horse battery staple' }
    await asMachine('/users', { ...login, name: 'Ada', role: 'user' })
    const other = await visit(browser, node.origin, { language: 'de-DE' })
    await other.page.getByLabel('E-Mail').fill(login.email)
    await other.page.getByLabel('Passwort', { exact: true }).fill(login.password)
    await other.page.getByRole('button', { name: 'Anmelden', exact: true }).click()
    await other.page.getByRole('link', { name: 'Neuer Chat' }).waitFor()
    await other.page.goto(`${node.origin}/node/requests`)
    await other.page.getByRole('heading', { name: 'Anfragen', level: 1 }).waitFor()
    await other.page.getByText('Noch keine Anfragen').waitFor()
    expect(await other.page.getByRole('tab').count()).toBe(0)
    const links = await other.page.getByRole('navigation').first().getByRole('link').allInnerTexts()
    expect(links).toContain('Modelle')
    expect(links).not.toContain('Anbieter')
    await other.page.goto(`${node.origin}/node/models`)
    await other.page.getByRole('table', { name: 'Modelle' }).getByText('gpt-small').waitFor()
    await other.context.close()
    expect(other.complaints).toEqual([])
  })
})
