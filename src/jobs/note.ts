import { constants } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { writeError } from './disk.ts'

/**
 * What is remembered of a file, in `<file>.sha256.json` beside it: its sum, and the size and time of change the sum belongs
 * to, so that nobody has to read gigabytes to know what they are. `source` is where it was pulled from.
 */
export interface Note {
  readonly sha256?: string
  readonly size?: number
  readonly mtimeMs?: number
  readonly source?: string
  /** Of an unfinished download: the ETag or date of the file its bytes belong to. */
  readonly validator?: string
}

export async function readNote(path: string): Promise<Note | undefined> {
  try {
    return noteFrom(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    // Absent, torn or foreign: it is only a note, and whoever needs the sum takes it again.
    return undefined
  }
}

export async function writeNote(modelPath: string, note: Note): Promise<void> {
  await writeNoteTo(`${modelPath}.sha256.json`, note)
}

/** A note elsewhere: what an unfinished download belongs to. */
export async function writeNoteTo(path: string, note: Note): Promise<void> {
  const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
  await writeFile(path, `${JSON.stringify(note)}\n`, { mode: 0o600, flag }).catch(writeError)
}

function noteFrom(value: unknown): Note {
  const { sha256, size, mtimeMs, source, validator } = value as Record<string, unknown>
  return {
    ...(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) && { sha256 }),
    ...(typeof size === 'number' && { size }),
    ...(typeof mtimeMs === 'number' && { mtimeMs }),
    ...(typeof source === 'string' && { source }),
    ...(typeof validator === 'string' && { validator }),
  }
}
