import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const binary = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin', ...(process.env.PATH ?? '').split(delimiter)]
  .map(folder => join(folder, 'nginx'))
  .find(existsSync)

/** Why tests that need nginx are left out; where they are demanded, they fail instead. */
export const nginxMissing: string | undefined =
  binary === undefined && process.env.PARLEY_TEST_REQUIRE === undefined
    ? 'nginx is not installed: apt-get install nginx'
    : undefined

export interface Nginx {
  /** What it wrote to its log of errors. */
  readonly errors: () => string
  readonly stop: () => Promise<void>
}

/** An nginx of the test's own, with what stands in its block `http`; answers on `port` once it is returned. */
export async function startNginx(http: string, port: number): Promise<Nginx> {
  const place = placeOf(http)
  const child = spawn(program(), [...place.flags, '-g', 'daemon off;'], { stdio: 'ignore' })
  const gone = new Promise(resolve => child.once('exit', resolve))
  process.once('exit', () => child.kill('SIGTERM'))
  const stop = async () => {
    child.kill('SIGTERM')
    await gone
    place.remove()
  }
  for (let attempt = 0; !(await accepts(port)); attempt++) {
    if (attempt > 400 || child.exitCode !== null) {
      const said = place.errors()
      await stop()
      throw new Error(`nginx did not start: ${said}`)
    }
    await sleep(25)
  }
  return { errors: place.errors, stop }
}

/** Throws with nginx's own words where it would not start with this. */
export function checkNginx(http: string): void {
  const place = placeOf(http)
  try {
    execFileSync(program(), [...place.flags, '-t'], { stdio: 'pipe' })
  } finally {
    place.remove()
  }
}

function program(): string {
  if (binary === undefined) throw new Error('nginx is not installed: apt-get install nginx')
  return binary
}

function placeOf(http: string) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-nginx-'))
  // Its workers run as somebody else and keep what is too long for their buffers here.
  chmodSync(folder, 0o755)
  const config = join(folder, 'nginx.conf')
  const log = join(folder, 'error.log')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder}/${name};`)
  writeFileSync(
    config,
    `worker_processes 1;\npid ${folder}/pid;\nerror_log ${log};\nevents { worker_connections 1024; }
http {\naccess_log off;\n${paths.join('\n')}\n${http}\n}\n`,
  )
  return {
    flags: ['-p', folder, '-e', log, '-c', config],
    errors: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
