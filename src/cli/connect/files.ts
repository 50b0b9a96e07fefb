import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ParleyError } from '../../core/index.ts'
import type { FileEdit } from './app.ts'
import { difference } from './difference.ts'
import { merged, render } from './formats.ts'

/** What writing would do to one file. */
export interface PlannedFile {
  readonly edit: FileEdit
  /** What `edit.path` stands for, links followed. */
  readonly path: string
  readonly state: 'create' | 'change' | 'unchanged' | 'refused'
  /** Undefined when the file is not there. */
  readonly before: string | undefined
  readonly after: string
  readonly mode: number
  /** Why it is refused. */
  readonly reason?: string
}

/** What has happened to one file. */
export interface WrittenFile {
  readonly path: string
  readonly state: 'created' | 'changed' | 'unchanged' | 'refused' | 'restored' | 'removed'
  readonly backup?: string
  readonly reason?: string
}

const fileBytesMax = 1 << 20
const ownerOnly = 0o600

/** Reads the file and works out what would become of it. Changes nothing. */
export function planFile(edit: FileEdit): PlannedFile {
  if (!existsSync(edit.path)) {
    const after = render(edit)
    return { edit, path: edit.path, state: 'create', before: undefined, after, mode: ownerOnly }
  }
  const path = realpathSync(edit.path)
  const { mode, size } = statSync(path)
  const planned = { edit, path, mode: mode & 0o777 }
  const refuse = (reason: string, before = ''): PlannedFile => ({
    ...planned,
    state: 'refused',
    before,
    after: before,
    reason,
  })
  if (!statSync(path).isFile()) return refuse('it is not a file')
  if (size > fileBytesMax) return refuse(`it is larger than ${fileBytesMax} bytes`)
  const before = readFileSync(path, 'utf8')
  try {
    const after = merged(edit, before)
    if (after === before) return { ...planned, state: 'unchanged', before, after }
    if (edit.holdsKey && isSharedWithOthers(mode)) {
      return refuse(`others can read it and a key would go into it; chmod 600 ${path} first`, before)
    }
    return { ...planned, state: 'change', before, after }
  } catch (cause) {
    if (cause instanceof ParleyError && cause.code === 'conflict') return refuse(cause.message, before)
    throw cause
  }
}

/** The lines that would go and come. */
export function changesOf({ before, after }: PlannedFile): string[] {
  return difference(before ?? '', after)
}

/** Makes it so. What was there before is copied first; a new file is noted, so that it can be taken away again. */
export function writeFile(planned: PlannedFile, now: number): WrittenFile {
  const { path, state, before, after, mode, reason } = planned
  if (state === 'refused') return { path, state, ...(reason !== undefined && { reason }) }
  if (state === 'unchanged') return { path, state }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  if (before === undefined) {
    writeWhole(`${path}${createdMark}${stamp(now)}`, `${digest(after)}\n`, ownerOnly)
    writeWhole(path, after, mode)
    return { path, state: 'created' }
  }
  const backup = `${path}${backupMark}${stamp(now)}`
  writeWhole(backup, before, mode)
  writeWhole(path, after, mode, before)
  return { path, state: 'changed', backup }
}

/** Puts the newest backup back, or removes a file that was made and is as it was made. Undefined when there is neither. */
export function restoreFile(edit: FileEdit): WrittenFile | undefined {
  const path = existsSync(edit.path) ? realpathSync(edit.path) : edit.path
  const newest = marksOf(path).at(-1)
  if (newest === undefined) return undefined
  if (newest.mark === backupMark) {
    renameSync(newest.file, path)
    return { path, state: 'restored' }
  }
  if (existsSync(path) && digest(readFileSync(path, 'utf8')) !== readFileSync(newest.file, 'utf8').trim()) {
    throw new ParleyError('conflict', `${path} was changed since it was made here; look at it and remove it by hand`)
  }
  rmSync(path, { force: true })
  rmSync(newest.file)
  return { path, state: 'removed' }
}

const backupMark = '.parley-backup-'
const createdMark = '.parley-created-'

/** Backups of a file and the notes that it was made, oldest first. */
function marksOf(path: string): { mark: string; at: string; file: string }[] {
  if (!existsSync(dirname(path))) return []
  const found = readdirSync(dirname(path)).flatMap(name =>
    [backupMark, createdMark].flatMap(mark => {
      const start = basename(path) + mark
      return name.startsWith(start) ? [{ mark, at: name.slice(start.length), file: join(dirname(path), name) }] : []
    }),
  )
  return found.sort((a, b) => (a.at < b.at ? -1 : 1))
}

/** Sorts by time as text. */
function stamp(now: number): string {
  return new Date(now).toISOString().replaceAll(/[-:.]/g, '')
}

/** In one step: a reader finds the old text or the new one. With `expected`, only while the file still holds that. */
function writeWhole(path: string, text: string, mode: number, expected?: string): void {
  const temporary = `${path}.parley-${process.pid}`
  try {
    const file = openSync(temporary, 'wx', mode)
    try {
      fchmodSync(file, mode)
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    if (expected !== undefined && readFileSync(path, 'utf8') !== expected) {
      throw new ParleyError('conflict', `${path} was changed by somebody else meanwhile; run the command again`)
    }
    renameSync(temporary, path)
  } catch (cause) {
    rmSync(temporary, { force: true })
    if (cause instanceof ParleyError) throw cause
    throw new ParleyError('conflict', `${path} cannot be written; check who owns it and its directory`, { cause })
  }
}

function isSharedWithOthers(mode: number): boolean {
  return process.platform !== 'win32' && (mode & 0o077) !== 0
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
