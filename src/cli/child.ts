import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ParleyError, within } from '../core/index.ts'

/** A process that says one line of JSON once it is ready, and lives as long as we hold its standard input. */
export interface Child {
  readonly name: string
  readonly pid: number
  readonly ready: Record<string, unknown>
  /** Rejects when the process ends although nobody stopped it; never resolves. */
  readonly lost: Promise<never>
  /** SIGTERM, then SIGKILL after `timeoutMs`. */
  readonly stop: (timeoutMs: number) => Promise<void>
}

export interface ChildOptions {
  readonly script: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly readyMs: number
  readonly signal: AbortSignal
  /** What it says on stderr, line by line. */
  readonly say: (line: string) => void
}

export async function startChild(name: string, options: ChildOptions): Promise<Child> {
  const { script, args, env, readyMs, signal, say } = options
  // A group of its own: Ctrl-C in the terminal reaches only us, and we stop the children in order.
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  child.stdin.on('error', () => undefined)
  const ended = new Promise<string>(resolve => {
    child.on('error', error => resolve(error.message))
    child.on('close', (code, killed) => resolve(killed ?? `exit ${code}`))
  })
  let isStopping = false
  let last = ''
  createInterface({ input: child.stderr }).on('line', line => say((last = line)))
  const lost = ended.then(how => {
    if (isStopping) return new Promise<never>(() => undefined)
    throw new ParleyError('internal', `the ${name} ended by itself (${how})${last && `: ${last}`}`)
  })
  lost.catch(() => undefined)
  const stop = async (timeoutMs: number) => {
    isStopping = true
    await end(child, ended, timeoutMs)
  }
  try {
    const line = await within(
      Promise.race([firstLine(child), lost, whenAborted(signal)]),
      readyMs,
      `starting the ${name}`,
    )
    return { name, pid: child.pid ?? 0, ready: JSON.parse(line) as Record<string, unknown>, lost, stop }
  } catch (cause) {
    await stop(5_000)
    throw cause
  }
}

/** Runs to its end and gives what it said; a failure is thrown with the child's own words. */
export async function runChild(
  name: string,
  options: Omit<ChildOptions, 'readyMs' | 'say'>,
): Promise<Record<string, unknown>> {
  const said: string[] = []
  const { script, args, env, signal } = options
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], signal })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', piece => (stdout += piece))
  createInterface({ input: child.stderr }).on('line', line => said.push(line))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  }).catch((cause: unknown) => {
    throw ParleyError.from(cause, signal)
  })
  if (code === 0) return JSON.parse(stdout) as Record<string, unknown>
  throw new ParleyError('internal', `${name} failed (exit ${code}): ${said.join(' ')}`)
}

async function end(child: ChildProcess, ended: Promise<string>, timeoutMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  await ended
  clearTimeout(timer)
}

async function firstLine(child: ChildProcess): Promise<string> {
  return new Promise(resolve => createInterface({ input: child.stdout! }).once('line', resolve))
}

async function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const leave = () => reject(ParleyError.from(signal.reason, signal))
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
  })
}
