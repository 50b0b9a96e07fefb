import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe } from 'vitest'

const binary = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', ...(process.env.PATH ?? '').split(delimiter)]
  .map(folder => join(folder, 'redis-server'))
  .find(existsSync)

/** Why tests that need the server are left out; where they are demanded, they fail instead. */
export const redisMissing: string | undefined =
  binary === undefined && process.env.PARLEY_TEST_REQUIRE === undefined
    ? 'Redis is not installed: apt-get install redis-server'
    : undefined

/**
 * Tests that need a real Redis. Where there is none they are skipped under a name that says how to get it, unless
 * PARLEY_TEST_REQUIRE is set: then they fail.
 */
export function describeWithRedis(name: string, tests: () => void): void {
  if (binary !== undefined || process.env.PARLEY_TEST_REQUIRE) describe(name, tests)
  else describe.skip(`${name} (no redis-server: apt-get install redis-server)`, tests)
}

export interface Redis {
  readonly url: string
  readonly port: number
  /** Stops answering, with its connections open. */
  readonly pause: () => void
  readonly resume: () => void
  readonly stop: () => Promise<void>
  /** Again on the same port, empty. */
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

/** A redis-server of the test's own, on a free port, that writes nothing. */
export async function startRedis(more: readonly string[] = []): Promise<Redis> {
  if (binary === undefined) throw new Error('no redis-server: apt-get install redis-server')
  const folder = await mkdtemp(join(tmpdir(), 'parley-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  const start = async () => {
    const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
    flags.push(...more)
    const started = spawn(binary, flags, { stdio: 'ignore' })
    child = started
    process.once('exit', () => started.kill('SIGKILL'))
    await listening(port)
  }
  const stop = async () => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const ended = new Promise(resolve => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    stop,
    start,
    close: async () => {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await answers(port)) return
    await sleep(25)
  }
  throw new Error('redis-server did not start within 5 s')
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('data', data => {
      socket.destroy()
      resolve(/^(?:\+PONG|-NOAUTH)/.test(data.toString()))
    })
    socket.once('connect', () => socket.write('PING\r\n'))
  })
}
