import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { abortError, ParleyError } from '../core/index.ts'
import { readNote, writeNote } from './note.ts'

export interface PulledModel {
  /** The file to serve; of a split model, the first part. */
  readonly path: string
  readonly name: string
  readonly sha256: string
  readonly sizeBytes: number
  /** Whether the sum was known beforehand, from the caller or the hub, and matched. */
  readonly verified: boolean
}

interface Settling {
  readonly expected: string | undefined
  readonly source: string
  readonly signal: AbortSignal
}

/** Checks what lies on the disk, then lets it appear under its name. */
export async function settle(part: string, path: string, { expected, source, signal }: Settling): Promise<PulledModel> {
  const sha256 = await hashOf(part, signal)
  const wrong = await whatIsWrong(part, sha256, expected)
  if (wrong !== undefined) {
    await rm(part, { force: true })
    await rm(`${part}.url`, { force: true })
    throw new ParleyError('download_failed', wrong, { details: { sha256, expected: expected ?? null } })
  }
  await rename(part, path)
  await rm(`${part}.url`, { force: true })
  await syncDirectory(dirname(path))
  const { size, mtimeMs } = await stat(path)
  await writeNote(path, { sha256, size, mtimeMs, source })
  return { path, name: basename(path), sha256, sizeBytes: size, verified: expected !== undefined }
}

async function whatIsWrong(part: string, sha256: string, expected: string | undefined): Promise<string | undefined> {
  if (expected !== undefined && sha256 !== expected) {
    return `the file's sha256 is ${sha256}, expected was ${expected}; it was thrown away, check the source`
  }
  const file = await open(part, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    if (bytesRead === 4 && buffer.toString('latin1') === 'GGUF') return undefined
    return 'what came is not a GGUF file; it was thrown away, check the source'
  } finally {
    await file.close()
  }
}

/** The model when it is there and is what is wanted. */
export async function alreadyThere(
  path: string,
  wanted: string | undefined,
  { source, signal }: { readonly source: string; readonly signal: AbortSignal },
): Promise<PulledModel | undefined> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return undefined
  if (!found.isFile()) throw new ParleyError('conflict', `${path} is not a plain file; move it away`)
  const note = await readNote(`${path}.sha256.json`)
  const isFresh = note?.size === found.size && note.mtimeMs === found.mtimeMs
  const sha256 = isFresh && note.sha256 !== undefined ? note.sha256 : await hashOf(path, signal)
  if (wanted === undefined ? isFresh && note.source === source : wanted === sha256) {
    return { path, name: basename(path), sha256, sizeBytes: found.size, verified: wanted !== undefined }
  }
  throw new ParleyError('conflict', `${path} is there and is another file; remove it with \`parley rm\` to pull again`)
}

async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path, { signal, highWaterMark: 1024 * 1024 }))
      hash.update(piece as Buffer)
  } catch (cause) {
    throw signal.aborted ? abortError(signal, cause) : ParleyError.from(cause)
  }
  return hash.digest('hex')
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
