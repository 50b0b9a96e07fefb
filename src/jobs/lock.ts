import { open, readFile, rm } from 'node:fs/promises'
import { ParleyError } from '../core/index.ts'
import { writeError } from './disk.ts'

/**
 * Runs `work` while no other process does the same: two downloads into one file would spoil each other. The lock names its
 * process, so one left behind by a killed process does not last.
 */
export async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  if (!(await acquire(path))) {
    if (await isHeld(path))
      throw new ParleyError('conflict', `${path} says that another pull of this model runs; wait for it`)
    await rm(path, { force: true })
    if (!(await acquire(path)))
      throw new ParleyError('conflict', 'another pull of this model has just begun; wait for it')
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function acquire(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(`${process.pid}\n`)
    await file.close()
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    return writeError(cause as NodeJS.ErrnoException)
  }
}

async function isHeld(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const holder = Number(text)
  if (!Number.isInteger(holder) || holder <= 0) return false
  try {
    process.kill(holder, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}
