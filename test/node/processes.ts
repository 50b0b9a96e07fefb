import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { LoggedEvent } from '../../src/core/index.ts'
import type { Doom, NodeReady, NodeSetup } from './node-process.ts'

/** A node in a process of its own. */
export interface NodeProcess {
  readonly ready: NodeReady
  /** What it said it did, as far as it was heard. */
  readonly events: readonly LoggedEvent[]
  /** Kills itself at this event of its own; resolves when it knows. */
  readonly doom: (doom: Doom) => Promise<void>
  /** `kill -9`; resolves when it is gone, also when it was gone already. */
  readonly kill: () => Promise<void>
  /** Ends it the regular way. */
  readonly stop: () => Promise<void>
  readonly isAlive: () => boolean
}

const startMs = 60_000

export async function startNodeProcess(setup: NodeSetup): Promise<NodeProcess> {
  const child = spawn(process.execPath, ['test/node/node-process.ts'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: 'node_modules/.cache/node-compile-cache' },
  })
  const events: LoggedEvent[] = []
  const doomed: (() => void)[] = []
  const { promise, resolve, reject } = Promise.withResolvers<NodeReady>()
  const gone = once(child, 'exit')
  void gone.then(([code, signal]) => reject(new Error(`the node exited with ${code ?? signal}`)))
  child.stdin.on('error', () => undefined)
  createInterface(child.stdout).on('line', line => {
    const said = readLine(line)
    if (said === undefined) return
    if ('url' in said) resolve(said)
    else if ('doomed' in said) doomed.shift()?.()
    else events.push(said)
  })
  const write = (line: object) => child.stdin.write(`${JSON.stringify(line)}\n`)
  const timer = setTimeout(() => reject(new Error(`the node was not ready after ${startMs} ms`)), startMs)
  const kill = async () => {
    child.kill('SIGKILL')
    await gone
  }
  write(setup)
  try {
    const ready = await promise
    const stop = async () => {
      child.stdin.end()
      await gone
    }
    const doom = async (at: Doom) => {
      const known = new Promise<void>(done => doomed.push(done))
      write(at)
      await Promise.race([known, gone])
    }
    return {
      ready,
      events,
      doom,
      kill,
      stop,
      isAlive: () => child.exitCode === null && child.signalCode === null,
    }
  } catch (cause) {
    await kill()
    throw cause
  } finally {
    clearTimeout(timer)
  }
}

type Said = NodeReady | { doomed: string } | LoggedEvent

/** A process that dies may leave half a line. */
function readLine(line: string): Said | undefined {
  try {
    return JSON.parse(line) as Said
  } catch {
    return undefined
  }
}
