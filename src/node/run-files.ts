import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Paths } from '../config/index.ts'
import { ParleyError, type Random } from '../core/index.ts'

/** Keeps a second node from running on the same home: both would spend from one ledger. */
export interface HomeLock {
  release: () => void
}

/** Takes the lock of this home. Throws `conflict` while its holder is alive. */
export function lockHome({ lockFile }: Paths): HomeLock {
  mkdirSync(dirname(lockFile), { recursive: true, mode: 0o700 })
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(lockFile, 'wx', 0o600)
      writeSync(file, String(process.pid))
      closeSync(file)
      return { release: () => rmSync(lockFile, { force: true }) }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new ParleyError('conflict', `cannot write ${lockFile}; check who owns the directory`, { cause })
      }
      const holder = readHolder(lockFile)
      if (holder !== undefined) {
        throw new ParleyError(
          'conflict',
          `another node (process ${holder}) runs on this home; stop it or set PARLEY_HOME`,
        )
      }
      rmSync(lockFile, { force: true })
    }
  }
  throw new ParleyError('conflict', `${lockFile} is taken again and again; another node is starting`)
}

/** The process that holds the lock, if it is alive and not this one's predecessor under the same number. */
function readHolder(lockFile: string): number | undefined {
  let pid: number
  try {
    pid = Number(readFileSync(lockFile, 'utf8'))
  } catch {
    return undefined
  }
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return undefined
  try {
    process.kill(pid, 0)
    return pid
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined
  }
}

/** A new admin token, good until the node stops. */
export function createAdminToken(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('base64url')
}

/** Tells the commands of this machine where the node is. Readable by its owner only. */
export function writeNodeFile({ nodeFile }: Paths, about: { url: string; token: string }): { remove: () => void } {
  writeFileSync(nodeFile, `${JSON.stringify({ pid: process.pid, ...about })}\n`, { mode: 0o600 })
  return { remove: () => rmSync(nodeFile, { force: true }) }
}
