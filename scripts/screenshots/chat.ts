import type { Page } from 'playwright-core'
import { once, type Scene } from './scene.ts'
import { type ChatName, chatId } from './seed.ts'

const at = (name: ChatName) => `/chat/${chatId(name)}`
const button = (page: Page, name: RegExp) => page.getByRole('button', { name }).first()
const composer = (page: Page) => page.locator('textarea').last()
const chosen = { 'parley.chat': { lastModel: 'qwen3-32b', pins: [], sort: 'best' } }

const onePixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

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
  { name: 'cut', path: at('cut'), keep: once },
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
      await button(page, /^(Details|Einzelheiten)/).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  {
    name: 'attachments',
    path: '/',
    keep: ['light-desktop', 'dark-phone'],
    remembers: chosen,
    prepare: async page => {
      const chooser = page.waitForEvent('filechooser')
      await button(page, /^(Attach|Datei)/).click()
      await page
        .getByRole('menuitem')
        .first()
        .click({ timeout: 1_000 })
        .catch(() => undefined)
      await (await chooser).setFiles([
        { name: 'notes of the meeting.md', mimeType: 'text/markdown', buffer: Buffer.from('# Notes\n\nWe agreed.\n') },
        { name: 'old-town.png', mimeType: 'image/png', buffer: Buffer.from(onePixel, 'base64') },
      ])
      await composer(page).fill('What did we decide, and where is this?')
    },
  },
  {
    name: 'search',
    path: at('branches'),
    keep: ['light-desktop', 'dark-phone'],
    prepare: async (page, { look }) => {
      if (look.screen === 'phone')
        await page
          .getByRole('button', { name: /^(Menu|Menü|Pages|Seiten|Open)/ })
          .first()
          .click()
      await page
        .getByPlaceholder(/^(Search chats|Chats durch)/)
        .last()
        .fill('France')
    },
  },
  {
    name: 'temporary',
    path: '/',
    keep: once,
    remembers: chosen,
    prepare: async page => button(page, /tempor/i).click(),
  },
  { name: 'palette', path: '/', keep: ['dark-desktop'], prepare: async page => page.keyboard.press('Control+k') },
  {
    name: 'settings',
    path: at('branches'),
    keep: [],
    prepare: async page => page.locator('#content header button').last().click(),
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
