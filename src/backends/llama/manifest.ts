import { createHash, type Hash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { abortError, type Hex, type ModelManifest, modelId, ParleyError } from '../../core/index.ts'
import type { GgufHeader } from './gguf.ts'
import { quantizationName } from './gguf-types.ts'
import { type Ability, isEmbedder, type ModelFile, trainedContext } from './model-file.ts'

/** A local model as it can be offered to others. */
export interface OfferedModel {
  readonly id: string
  /** Hash of the manifest: the same weights have the same everywhere, whatever they are called. */
  readonly modelId: Hex
  readonly manifest: ModelManifest
  /** What is served, which may be less than the model was trained for. */
  readonly contextTokens: number
  readonly abilities: readonly Ability[]
}

export function offeredModel(file: ModelFile, manifest: ModelManifest): OfferedModel {
  const { entry, contextTokens, abilities } = file
  return { id: entry.id, modelId: modelId(manifest), manifest, contextTokens, abilities }
}

/** What makes the model this model: its weights, and what the file says about reading them. */
export async function manifestOf(
  file: Pick<ModelFile, 'entry' | 'header'>,
  signal: AbortSignal,
): Promise<ModelManifest> {
  const { header, entry } = file
  const template = header.metadata.get('tokenizer.chat_template')
  const weights: string[] = []
  try {
    for (const path of weightFiles(entry.path, header)) weights.push(await sha256Of(path, signal))
  } catch (cause) {
    if (signal.aborted) throw abortError(signal, cause)
    throw new ParleyError('model_failed', `the weights of ${entry.id} cannot be read; pull the model again`, { cause })
  }
  return {
    weights,
    quantization: quantizationName(header.metadata.get('general.file_type'), header.tensors),
    tokenizer: tokenizerHash(header),
    chatTemplate: typeof template === 'string' ? createHash('sha256').update(template).digest('hex') : '',
    contextTokens: trainedContext(header),
    modality: isEmbedder(header) ? 'embedding' : 'text',
  }
}

/** The file's SHA-256, hex. Kept in `<file>.sha256.json` and believed while size and time of change stay as they were. */
export async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const { size, mtimeMs } = await stat(path)
  const notes = `${path}.sha256.json`
  const known = await readSum(notes)
  if (known !== undefined && known.size === size && known.mtimeMs === mtimeMs) return known.sha256
  const sha256 = await hashFile(path, signal)
  const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
  await writeFile(notes, `${JSON.stringify({ sha256, size, mtimeMs })}\n`, { flag }).catch(ignoreReadOnly)
  return sha256
}

interface Sum {
  readonly sha256: string
  readonly size: unknown
  readonly mtimeMs: unknown
}

async function readSum(path: string): Promise<Sum | undefined> {
  try {
    const { sha256, size, mtimeMs } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    return typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? { sha256, size, mtimeMs } : undefined
  } catch {
    // Absent, torn or from elsewhere: it is only a note, the sum is taken again.
    return undefined
  }
}

async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path, { signal, highWaterMark: 1024 * 1024 }))
      hash.update(piece as Buffer)
  } catch (cause) {
    throw signal.aborted ? abortError(signal, cause) : ParleyError.from(cause)
  }
  return hash.digest('hex')
}

/** A directory that cannot be written costs the next start a second look at the file, nothing else. */
function ignoreReadOnly(cause: NodeJS.ErrnoException): void {
  if (!['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'ELOOP'].includes(cause.code ?? '')) throw cause
}

/** The files of a split model (`name-00001-of-00003.gguf`), in order; else the one file. */
function weightFiles(path: string, header: GgufHeader): string[] {
  const parts = Number(header.metadata.get('split.count') ?? 1)
  const name = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(basename(path))
  if (name === null || Number(name[2]) !== parts) return [path]
  return Array.from({ length: parts }, (_, index) =>
    join(dirname(path), `${name[1]}-${String(index + 1).padStart(5, '0')}-of-${name[2]}.gguf`),
  )
}

/** SHA-256 over everything the file says about its tokenizer but the chat template, in the order of the keys. */
function tokenizerHash(header: GgufHeader): string {
  const hash: Hash = createHash('sha256')
  const keys = [...header.ranges.keys()].filter(key => key.startsWith('tokenizer.') && !key.includes('chat_template'))
  if (keys.length === 0) return ''
  for (const key of keys.sort()) {
    const [start, end] = header.ranges.get(key)!
    hash.update(`${key}\0${end - start}\0`).update(header.bytes.subarray(start, end))
  }
  return hash.digest('hex')
}
