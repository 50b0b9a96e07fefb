import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { temporaryHome } from '../config/home.ts'

const ownDoor = fileURLToPath(new URL('../../scripts/parley.cjs', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string>
  input?: string
  cwd?: string
  /** Of an installation elsewhere. */
  door?: string
}

/** Runs the command as a person's script would: the real door, a home of its own, no terminal. */
export function startParley(
  home: string,
  args: readonly string[],
  { env = {}, input, cwd, door = ownDoor }: RunOptions = {},
) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_') && name !== 'NO_COLOR')
  const child = spawn(process.execPath, [door, ...args], {
    env: { ...Object.fromEntries(inherited), PARLEY_HOME: home, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
  child.stdin.on('error', () => undefined).end(input ?? '')
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', piece => (stdout += piece))
  child.stderr.setEncoding('utf8').on('data', piece => (stderr += piece))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
  return { child, ended, said: () => ({ stdout, stderr }) }
}

/** A home and the commands run on it, one after another. */
export function parleyHome(files: Readonly<Record<string, string>> = {}) {
  const { home, file } = temporaryHome(files)
  return {
    home,
    file,
    run: (args: readonly string[], options?: RunOptions) => startParley(home, args, options).ended,
    json: async (args: readonly string[], options?: RunOptions) => {
      const { code, stdout, stderr } = await startParley(home, [...args, '--json'], options).ended
      return { code, stderr, value: stdout === '' ? undefined : (JSON.parse(stdout) as Record<string, never>) }
    },
  }
}
