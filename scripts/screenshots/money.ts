import type { Page } from 'playwright-core'
import { altered } from './altered.ts'
import { once, type Scene } from './scene.ts'

const hourMs = 3_600_000
const button = (page: Page, name: RegExp) => page.getByRole('button', { name }).first()
const balances = (change: object) => (answer: Record<string, unknown>) => ({
  ...answer,
  balances: { ...(answer.balances as object), ...change },
})

export const scenes: readonly Scene[] = [
  { name: 'wallet', path: '/money' },
  {
    name: 'wallet-none',
    path: '/money',
    keep: once,
    prepare: page =>
      altered(page, { '/wallet': answer => ({ ...answer, state: 'none', address: null, name: null, balances: null }) }),
  },
  {
    name: 'wallet-locked',
    path: '/money',
    keep: ['light-desktop', 'dark-phone'],
    prepare: page => altered(page, { '/wallet': answer => ({ ...answer, state: 'locked' }) }),
  },
  {
    name: 'wallet-no-gas',
    path: '/money',
    keep: once,
    prepare: page => altered(page, { '/wallet': balances({ gas: '0' }) }),
  },
  {
    name: 'deposit',
    path: '/money',
    keep: ['light-desktop', 'dark-phone'],
    prepare: async page => {
      await button(page, /^(Deposit|Einzahlen)/).click()
      await page.getByRole('dialog').locator('input').first().fill('25')
    },
  },
  { name: 'sessions', path: '/money/sessions' },
  {
    name: 'closing',
    path: '/money/sessions',
    keep: once,
    prepare: async page => {
      await button(page, /^(Close and|Schließen und)/).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  {
    name: 'closing-waits',
    path: '/money/sessions',
    keep: ['light-desktop', 'dark-phone'],
    prepare: page =>
      altered(page, {
        '/escrow': answer => ({
          ...answer,
          state: 'exiting',
          exit: { readyAt: new Date(Date.now() + 30 * hourMs).toISOString() },
        }),
      }),
  },
  { name: 'selling', path: '/money/selling', as: 'provider' },
  {
    name: 'not-registered',
    path: '/money/selling',
    as: 'provider',
    keep: once,
    prepare: page => altered(page, { '/selling': answer => ({ ...answer, registered: null }) }),
  },
  { name: 'not-a-provider', path: '/money/selling', keep: once },
  {
    name: 'claim',
    path: '/money/selling',
    as: 'provider',
    keep: once,
    prepare: async page => {
      await button(page, /^(Claim|Abholen)/).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  { name: 'earnings', path: '/money/earnings', as: 'provider' },
]
