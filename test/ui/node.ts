import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface UiNode {
  /** Where its pages are, like http://127.0.0.1:PORT. */
  readonly origin: string
  /** With a code that signs in, once. */
  readonly pageUrl: string
  readonly apiKey: string
  readonly home: string
  /** Another one-time address of the pages. */
  readonly newPageUrl: () => Promise<string>
  readonly stop: () => Promise<void>
}

const readyMs = 60_000
const door = join(import.meta.dirname, '../../scripts/parley.cjs')

/** A node as `parley up` starts it, with the built-in model, in a home of its own. */
export async function startNode(config = '', env: NodeJS.ProcessEnv = {}): Promise<UiNode> {
  const home = await mkdtemp(join(tmpdir(), 'parley-ui-'))
  const configFile = join(home, 'config.toml')
  await writeFile(configFile, config)
  const settings = { ...process.env, ...env, PARLEY_HOME: home, PARLEY_CONFIG: configFile, NO_COLOR: '1' }
  const args = (...rest: string[]) => [door, ...rest]
  const child = spawn(process.execPath, args('up', '--http-port', '0', '--until-stdin-ends', '--json'), {
    env: settings,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ready = JSON.parse(await firstLine(child)) as { baseUrl: string; apiKey: string; pageUrl: string }
  child.stderr.resume()
  return {
    origin: new URL(ready.baseUrl).origin,
    pageUrl: ready.pageUrl,
    apiKey: ready.apiKey,
    home,
    newPageUrl: async () => {
      const asked = spawn(process.execPath, args('open', '--no-open', '--json'), {
        env: settings,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      return (JSON.parse(await firstLine(asked)) as { pageUrl: string }).pageUrl
    },
    stop: async () => {
      child.stdin.end()
      await ended(child)
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! })
  const said: string[] = []
  child.stderr?.on('data', (piece: Buffer) => said.push(piece.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), readyMs)
  try {
    for await (const line of lines) return line
  } finally {
    clearTimeout(timer)
  }
  throw new Error(`the process ended before it was ready: ${said.join('').slice(-2_000)}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await new Promise(resolve => child.once('exit', resolve))
  clearTimeout(timer)
}
