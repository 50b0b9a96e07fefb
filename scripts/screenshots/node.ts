import type { Page } from 'playwright-core'
import { altered } from './altered.ts'
import { callsOf } from './market.ts'
import { once, type Scene } from './scene.ts'

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first()
const nobody = { data: [], total: 0 }
const noSums = { requests: 0, failures: 0, cached: 0, tokensInput: 0, tokensOutput: 0, cost: '0' }

export const scenes: readonly Scene[] = [
  { name: 'overview', path: '/node' },
  {
    name: 'first-hour',
    path: '/node',
    keep: once,
    prepare: page =>
      altered(page, {
        '/models': () => nobody,
        '/keys': () => nobody,
        '/alerts/firing': () => nobody,
        '/requests/stats': answer => ({ ...answer, total: { ...(answer.total as object), ...noSums } }),
        '/wallet': answer => ({ ...answer, state: 'none', address: null, balances: null }),
        '/status': answer => ({
          ...answer,
          uptimeSeconds: 48,
          upstreams: [],
          summary: { ...(answer.summary as object), models: 0, balance: null },
        }),
      }),
  },
  { name: 'network', path: '/node/network' },
  {
    name: 'network-lagging',
    path: '/node/network',
    keep: once,
    prepare: page =>
      altered(page, {
        '/network': answer => {
          const [first] = answer.rpc as { host: string; blockNumber: string; ms: number; error: string | null }[]
          const late = { ...first!, host: 'rpc.example.org', blockNumber: '0', ms: 1_240 }
          const ahead = { ...first!, blockNumber: String(Number(first!.blockNumber) + 41) }
          const gone = { ...late, host: 'backup.example.org', blockNumber: null, error: 'it did not answer in 5 s' }
          const chain = { ...(answer.chain as object), isStale: true }
          return { ...answer, chain, rpc: [ahead, late, gone] }
        },
      }),
  },
  { name: 'models', path: '/node/models' },
  {
    name: 'model-offers',
    path: '/node/models?model=qwen3-32b',
    keep: once,
    prepare: async page => await page.getByRole('dialog').waitFor(),
  },
  { name: 'providers', path: '/node/providers' },
  {
    name: 'provider-test',
    path: '/node/providers',
    keep: once,
    prepare: async page => {
      await page.locator('header button').last().click()
      const dialog = page.getByRole('dialog')
      await dialog
        .getByRole('button', { name: /OpenAI/ })
        .last()
        .click()
      await dialog.locator('input').first().fill('harbour')
      await dialog.locator('input').nth(1).fill('http://127.0.0.1:9/v1')
      await dialog.getByRole('button', { name: /^(Test it|Testen)/ }).click()
      await dialog.getByText('backend_failed').waitFor()
    },
  },
  { name: 'endpoints', path: '/node/endpoints' },
  {
    name: 'dry-run',
    path: '/node/endpoints?ask=qwen3-32b',
    keep: ['light-desktop', 'dark-phone'],
    prepare: async page =>
      void (await page
        .getByText(/atelier (would be|würde)/)
        .first()
        .waitFor()),
  },
  {
    name: 'profiles',
    path: '/node/profiles',
    prepare: async (page, { market }) => {
      const call = callsOf(market.user)
      const { data = [] } = (await call('GET', '/configs')) as { data?: object[] }
      if (data.length === 0) await call('POST', '/configs', { name: 'before the harbour' })
      await altered(page, {
        '/configs/export': runs => ({
          ...runs,
          routing: { ...(runs.routing as object), policy: 'cheapest', attemptsMax: 2 },
        }),
      })
      await page.getByText('before the harbour').first().click()
    },
  },
  {
    name: 'import-conflict',
    path: '/node/profiles',
    keep: once,
    prepare: async (page, { market }) => {
      const runs = await callsOf(market.user)('GET', '/configs/export')
      const providers = (runs.providers as object[]).map(provider => ({ ...provider, name: 'attic' }))
      await button(page, /^Import/).click()
      const dialog = page.getByRole('dialog')
      await dialog.locator('textarea').fill(JSON.stringify({ ...runs, providers }, null, 2))
      await dialog.getByRole('button', { name: /^(Check|Prüf)/ }).click()
      await page.waitForTimeout(500)
    },
  },
  { name: 'requests', path: '/node/requests' },
  { name: 'requests-numbers', path: '/node/requests?view=numbers', keep: ['light-desktop', 'dark-desktop'] },
  {
    name: 'request',
    path: '/node/requests',
    prepare: async page => {
      await page.getByRole('row').filter({ hasText: 'qwen3-32b' }).first().click()
      await page
        .getByText(/x-request-id|Id/)
        .first()
        .waitFor()
    },
  },
  {
    name: 'request-failed',
    path: '/node/requests?status=4xx',
    keep: ['light-desktop', 'dark-phone'],
    prepare: async page => {
      await page.getByRole('row').nth(1).click()
      await page
        .getByText(/x-request-id|Id/)
        .first()
        .waitFor()
    },
  },
  {
    name: 'request-without-texts',
    path: '/node/requests',
    keep: [],
    prepare: async page => {
      await page.route(/\/api\/requests\/[0-9a-f-]{36}$/, async route => {
        const response = await route.fetch()
        await route.fulfill({ response, json: { ...(await response.json()), input: null, output: null } })
      })
      await page.getByRole('row').nth(1).click()
    },
  },
  { name: 'logs', path: '/node/logs' },
  { name: 'alerts', path: '/node/alerts' },
  {
    name: 'database-away',
    path: '/node',
    keep: once,
    prepare: page => altered(page, { '/status': answer => ({ ...answer, store: 'down', queues: { requests: 214 } }) }),
  },
]
