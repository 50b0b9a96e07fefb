import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A process of the bench: it is asked one thing at a time and answers each. */
export interface Helper {
  ask: <T>(question: object) => Promise<T>
  end: () => void
}

export function startHelper(script: string): Helper {
  const child: ChildProcess = fork(fileURLToPath(new URL(script, import.meta.url)), { execArgv: [] })
  return {
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
