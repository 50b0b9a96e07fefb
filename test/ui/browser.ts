import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const found = process.env.PARLEY_TEST_CHROMIUM ?? places.find(existsSync)

/** Why browser tests cannot run here; undefined where they can. With PARLEY_TEST_REQUIRE nothing may be left out. */
export const missingBrowser =
  found === undefined && process.env.PARLEY_TEST_REQUIRE === undefined
    ? 'needs Chromium: apt-get install chromium'
    : undefined

const startMs = 30_000

export async function openBrowser(...args: readonly string[]): Promise<Browser> {
  return await chromium.launch({
    executablePath: found ?? 'chromium',
    timeout: startMs,
    // Containers run as root; nothing of the network but this machine is ever visited.
    args: [
      ...args,
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--force-color-profile=srgb',
      '--hide-scrollbars',
    ],
  })
}

export interface Visit {
  readonly context: BrowserContext
  readonly page: Page
  /** What the page complained of: errors that nobody caught and violations of its security policy. */
  readonly complaints: string[]
}

export interface VisitOptions {
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
  readonly language?: string
}

/** A visitor of its own: no cookies, no storage of others. */
export async function visit(browser: Browser, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { width = 1280, height = 800, scheme = 'light', language = 'en-GB' } = options
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    locale: language,
    permissions: ['clipboard-read', 'clipboard-write'],
    ...(width < 600 && { hasTouch: true, isMobile: true }),
  })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text())
  })
  await page.goto(url)
  return { context, page, complaints }
}
