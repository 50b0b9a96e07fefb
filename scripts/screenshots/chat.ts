import type { Page } from 'playwright-core'
import { once, type Scene } from './scene.ts'
import { type ChatName, chatId } from './seed.ts'

const at = (name: ChatName) => `/chat/${chatId(name)}`
const button = (page: Page, name: RegExp) => page.getByRole('button', { name }).first()
const composer = (page: Page) => page.locator('textarea').last()
const chosen = { 'parley.chat': { lastModel: 'qwen3-32b', pins: [], sort: 'best' } }

export const scenes: readonly Scene[] = [
  { name: 'empty', path: '/', remembers: chosen },
  {
    name: 'answer',
    path: at('long'),
    prepare: async page => void (await page.locator('svg[id^=mermaid], .katex').first().waitFor()),
  },
  {
    name: 'streaming',
    path: '/',
    keep: once,
    remembers: chosen,
    prepare: async page => {
      await composer(page).fill('Explain Bloom filters in two paragraphs.')
      await page.keyboard.press('Enter')
      await page.getByText('false positives').first().waitFor()
    },
  },
  { name: 'branches', path: at('branches'), keep: once },
  { name: 'failed', path: at('failed'), keep: ['light-desktop', 'dark-phone'] },
  { name: 'out-of-funds', path: at('funds'), keep: once },
  { name: 'failover', path: at('failover'), keep: once },
  { name: 'stopped', path: at('stopped'), keep: once },
  { name: 'cut', path: at('cut'), keep: [] },
  { name: 'picture', path: at('picture'), keep: once },
  {
    name: 'offline',
    path: at('failover'),
    keep: once,
    prepare: async page => {
      await page.context().setOffline(true)
      await page.waitForTimeout(500)
    },
  },
  {
    name: 'details',
    path: at('failover'),
    keep: ['light-desktop', 'dark-phone'],
    prepare: async page => {
      await button(page, /^(How this answer|Details|Wie diese)/).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  {
    name: 'models',
    path: '/',
    remembers: chosen,
    prepare: async page => {
      await button(page, /^Model/).click()
      await page.getByRole('option').first().waitFor()
    },
  },
]
