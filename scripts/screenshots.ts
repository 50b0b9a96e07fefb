import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { openBrowser } from '../test/ui/browser.ts'
import { startStaticHost } from '../test/ui/static-host.ts'
import { createCamera, looksOf } from './screenshots/camera.ts'
import { scenes as chat } from './screenshots/chat.ts'
import { type Market, openMarket } from './screenshots/market.ts'
import { scenes as money } from './screenshots/money.ts'
import { scenes as node } from './screenshots/node.ts'
import { everyLook, type Look, type Scene } from './screenshots/scene.ts'
import { scenes as settings } from './screenshots/settings.ts'

/**
 * Pictures of the pages, taken of a real market (`parley dev`): `npm run screenshots [AREA[-SCENE]] …`.
 * `--look` takes all four looks of a scene, whichever are kept; `--out` writes elsewhere; `--language de` speaks German.
 * `--serve FILE` only opens a market and stays; `--at FILE` uses it, so that one scene takes a second or two.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: 'docs/screenshots' },
    language: { type: 'string', default: 'en-GB' },
    look: { type: 'boolean', default: false },
    only: { type: 'string' },
    serve: { type: 'string' },
    at: { type: 'string' },
  },
})

const root = join(import.meta.dirname, '..')
const areas: Readonly<Record<string, readonly Scene[]>> = { chat, node, money, settings }
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort())
const { signal } = interrupted

await promisify(execFile)(process.execPath, [join(root, 'scripts/build-ui.ts'), '--if-needed'])
if (values.at === undefined) {
  const { market, stop } = await openMarket(signal)
  try {
    if (values.serve === undefined) await shoot(market)
    else await serve(values.serve, market)
  } finally {
    await stop()
  }
} else await shoot(JSON.parse(await readFile(values.at, 'utf8')) as Market)

async function serve(file: string, market: Market): Promise<void> {
  await writeFile(file, JSON.stringify(market))
  console.error(`the market is described in ${file}; end it with Ctrl-C`)
  const stays = setInterval(() => undefined, 60_000)
  if (!signal.aborted) await once(signal, 'abort')
  clearInterval(stays)
}

async function shoot(market: Market): Promise<void> {
  const browser = await openBrowser()
  const host = await startStaticHost(join(root, 'dist/ui'))
  const { out, language } = values
  const folder = join(root, out)
  const camera = createCamera({ browser, market, staticOrigin: host.origin, language, folder })
  try {
    for (const [area, scenes] of Object.entries(areas)) {
      for (const scene of scenes.filter(({ name }) => isWanted(`${area}-${name}`))) {
        if (signal.aborted) return
        await camera.take(area, scene, wantedLooks(scene)).then(
          files => console.log(files.join('\n')),
          (cause: unknown) => {
            process.exitCode = 1
            console.error(`${area}-${scene.name} failed: ${String(cause)}`)
          },
        )
      }
    }
  } finally {
    await browser.close()
    await host.stop()
  }
}

function isWanted(name: string): boolean {
  return positionals.length === 0 || positionals.some(wanted => name === wanted || name.startsWith(`${wanted}-`))
}

function wantedLooks(scene: Scene): readonly Look[] {
  const { only, look } = values
  if (only !== undefined)
    return everyLook.filter(({ scheme, screen }) => only.split(',').includes(`${scheme}-${screen}`))
  return look ? everyLook : looksOf(scene)
}
