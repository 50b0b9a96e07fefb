import { execFile } from 'node:child_process'
import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { callsOf, type Market } from './market.ts'
import { everyLook, type Look, type Scene, screens } from './scene.ts'
import { chats } from './seed.ts'

export interface Camera {
  readonly take: (area: string, scene: Scene, looks: readonly Look[]) => Promise<string[]>
}

interface CameraOptions {
  readonly browser: Browser
  readonly market: Market
  readonly staticOrigin: string
  readonly folder: string
  readonly language: string
}

const waitMs = 8_000
/** What moves after it came: the width of a list, a diagram, a chart. */
const settleMs = 350
const chatsMs = 2_500
const lastChat = chats.long.title

export function createCamera({ browser, market, staticOrigin, folder, language }: CameraOptions): Camera {
  /** Who signed in before, by whose pages: a node gives few codes in a while. */
  const known = new Map<string, Known>()

  /** Where a scene begins; the first time with a code that lets the visitor in. */
  async function address({ as = 'user', path }: Scene): Promise<string> {
    if (as === 'static') return staticOrigin + path
    if (as === 'nobody' || known.has(as)) return market[as === 'provider' ? 'provider' : 'user'].origin + path
    const { code } = await callsOf(market[as])('POST', '/auth/link', {})
    return `${market[as].origin}${path}#code=${String(code)}`
  }

  async function open(scene: Scene, look: Look): Promise<Page> {
    const { as = 'user' } = scene
    const context = await browser.newContext({
      viewport: screens[look.screen],
      colorScheme: look.scheme,
      reducedMotion: 'reduce',
      locale: language,
      permissions: ['clipboard-read', 'clipboard-write'],
      ...(look.screen === 'phone' && { hasTouch: true, isMobile: true }),
      ...(known.has(as) && { storageState: known.get(as)! }),
    })
    context.setDefaultTimeout(waitMs)
    await remember(context, { 'parley.storage.parley': { home: 'node' }, ...scene.remembers })
    const page = await context.newPage()
    page.on('pageerror', error => console.error(`${scene.name}: ${String(error)}`))
    await page.goto(await address(scene))
    await settle(page)
    // The first look at what the node keeps takes one request per chat.
    if (as === 'user')
      await page
        .getByText(lastChat)
        .first()
        .waitFor({ state: 'attached', timeout: chatsMs })
        .catch(() => undefined)
    return page
  }

  async function shoot(page: Page, name: string, { scheme, screen }: Look): Promise<string> {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
    await settle(page)
    const file = join(folder, `${name}-${scheme}-${screen}.png`)
    await mkdir(dirname(file), { recursive: true })
    await page.screenshot({ path: file, animations: 'disabled', caret: 'hide' })
    await shrink(file)
    return file
  }

  async function remembered({ as = 'user' }: Scene, context: BrowserContext): Promise<void> {
    if (as === 'user' || as === 'provider') known.set(as, await signInOf(context))
  }

  return {
    async take(area, scene, looks) {
      const files: string[] = []
      for (const screen of ['desktop', 'phone'] as const) {
        const wanted = looks.filter(look => look.screen === screen)
        const [first] = wanted
        if (first === undefined) continue
        const page = await open(scene, first)
        try {
          await scene.prepare?.(page, { market, look: first })
          for (const look of wanted) files.push(await shoot(page, `${area}-${scene.name}`, look))
        } finally {
          await remembered(scene, page.context())
          await page.context().close()
        }
      }
      return files
    },
  }
}

export function looksOf({ keep }: Scene): readonly Look[] {
  return keep === undefined ? everyLook : everyLook.filter(({ scheme, screen }) => keep.includes(`${scheme}-${screen}`))
}

type Known = Awaited<ReturnType<BrowserContext['storageState']>>

/** The cookie and what it is worth nothing without; nothing else of a browser goes on to the next. */
async function signInOf(context: BrowserContext): Promise<Known> {
  const { cookies, origins } = await context.storageState()
  const keys = origins.map(({ origin, localStorage }) => ({
    origin,
    localStorage: localStorage.filter(({ name }) => name === 'parley.cookie-key'),
  }))
  return { cookies, origins: keys }
}

async function remember(context: BrowserContext, kept: Readonly<Record<string, unknown>>): Promise<void> {
  const entries = Object.entries(kept).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  await context.addInitScript(`for (const [key, value] of ${JSON.stringify(entries)}) localStorage.setItem(key, value)`)
}

async function settle(page: Page): Promise<void> {
  await page.locator('#root > *').first().waitFor()
  const isWaiting = page.getByRole('status', { name: /^(Loading|Lädt|Wird geladen)/ }).first()
  await isWaiting.waitFor({ state: 'detached' }).catch(() => undefined)
  await page.waitForTimeout(settleMs)
}

/** Fewer colours make a file a third as large; without the tool it stays as it is. */
async function shrink(file: string): Promise<void> {
  const small = `${file}.small`
  try {
    await promisify(execFile)('pngquant', ['--strip', '--speed', '3', '--output', small, '--force', '64', file])
    await rename(small, file)
  } catch {}
}
