import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A process of the bench: it is asked one thing at a time and answers each. */
export interface Helper {
  readonly pid: number
  ask: <T>(question: object) => Promise<T>
  end: () => void
}

export function startHelper(script: string): Helper {
  const child: ChildProcess = fork(fileURLToPath(new URL(script, import.meta.url)), { execArgv: [] })
  return {
    pid: child.pid!,
    ask: question =>
      new Promise((resolve, reject) => {
        const gone = (code: number | null) => reject(new Error(`${script} ended (${code})`))
        child.once('exit', gone).once('message', answer => {
          child.off('exit', gone)
          resolve(answer as never)
        })
        child.send(question)
      }),
    end: () => child.connected && child.disconnect(),
  }
}

/** A directory for one run. */
export function makeDirectory(): { path: (name: string) => string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  return { path: name => join(root, name), remove: () => rmSync(root, { recursive: true, force: true }) }
}

/** Processor time a process has used, in milliseconds; only Linux tells it without a tool. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * (1_000 / ticksPerSecond)
}

const ticksPerSecond = 100

/** What of a process lies in memory, in MiB; undefined where the system does not tell. */
export function residentMegabytes(pid: number): number | undefined {
  const file = `/proc/${pid}/status`
  const kilobytes = existsSync(file) ? /VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1_024
}
