import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** A private PostgreSQL server in a temporary directory. */
export interface Postgres {
  /** Makes an empty database, or a copy of another one that nobody is connected to; returns its URL. */
  readonly createDatabase: (template?: string) => Promise<string>
  readonly start: () => Promise<void>
  /** `immediate` is what a crash of the server looks like. */
  readonly stop: (how?: 'fast' | 'immediate') => Promise<void>
  readonly remove: () => Promise<void>
}

const folderOfVersions = '/usr/lib/postgresql'
const readyWithinMs = 20_000
/** A test run that is killed takes its server along: nobody is left to hold the other end of its input. */
const endsWithParent = 'exec 3<&0; (cat <&3 >/dev/null; kill -QUIT $$) & exec "$0" "$@" 3<&-'

/** Where the server's programs are; undefined where they are not installed. */
export const postgresBinaries: string | undefined = existsSync(folderOfVersions)
  ? readdirSync(folderOfVersions)
      .map(version => join(folderOfVersions, version, 'bin'))
      .filter(bin => existsSync(join(bin, 'initdb')))
      .at(-1)
  : undefined

/** Why tests that need the server are left out; where they are demanded, they fail instead. */
export const postgresMissing: string | undefined =
  postgresBinaries === undefined && process.env.PARLEY_TEST_REQUIRE === undefined
    ? 'PostgreSQL is not installed: apt-get install postgresql'
    : undefined

export async function startPostgres(): Promise<Postgres> {
  if (postgresBinaries === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql')
  const bin = postgresBinaries
  const folder = mkdtempSync(join(tmpdir(), 'parley-postgres-'))
  const user = unprivileged()
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const initial = ['-D', data, '-U', 'parley', '-A', 'trust', '-N', '--no-locale', '-E', 'UTF8']
  execFileSync(join(bin, 'initdb'), initial, { ...user, cwd: folder, stdio: 'ignore' })
  const port = await freePort()
  const urlOf = (name: string) => `postgres://parley@127.0.0.1:${port}/${name}`
  let server: ChildProcess | undefined
  let count = 0
  const stop = async (how: 'fast' | 'immediate' = 'immediate') => {
    if (server === undefined || server.exitCode !== null) return
    const gone = new Promise(resolve => server!.once('exit', resolve))
    server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await gone
    server.stdin?.destroy()
    server = undefined
  }
  const start = async () => {
    const settings = {
      port,
      unix_socket_directories: folder,
      fsync: 'off',
      max_connections: 60,
      timezone: 'Asia/Tokyo',
    }
    const flags = Object.entries({ ...settings, full_page_writes: 'off' }).flatMap(([key, value]) => [
      '-c',
      `${key}=${value}`,
    ])
    const command = ['-c', endsWithParent, join(bin, 'postgres'), '-D', data, ...flags]
    server = spawn('/bin/sh', command, { ...user, cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] })
    await answers(urlOf('postgres'), server)
  }
  await start()
  return {
    start,
    stop,
    createDatabase: async template => {
      const name = `test_${count++}`
      const from = template === undefined ? '' : ` template ${new URL(template).pathname.slice(1)}`
      await ask(urlOf('postgres'), `create database ${name}${from}`)
      return urlOf(name)
    },
    remove: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Runs one statement on a connection of its own. */
export async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  const until = performance.now() + readyWithinMs
  for (;;) {
    try {
      await ask(url, 'select 1')
      return
    } catch (cause) {
      if (server.exitCode !== null || performance.now() > until) throw cause
      await sleep(25)
    }
  }
}

/** The server refuses to run as root. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (typeof address === 'object' && address !== null) return address.port
  throw new Error('no free port')
}
