import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'

/**
 * What is remembered of a file, in `<file>.sha256.json` beside it: its sum, and the size and time of change the sum belongs
 * to, so that nobody has to read gigabytes to know what they are. `source` is where it was pulled from.
 */
const Note = z.looseObject({
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  size: z.number().optional(),
  mtimeMs: z.number().optional(),
  source: z.string().optional(),
  /** Of an unfinished download: the ETag or date of the file its bytes belong to. */
  validator: z.string().optional(),
})
export type Note = z.infer<typeof Note>

export async function readNote(path: string): Promise<Note | undefined> {
  try {
    return Note.parse(JSON.parse(await readFile(path, 'utf8')))
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
  await writeFile(path, `${JSON.stringify(note)}\n`, { mode: 0o600 })
}
