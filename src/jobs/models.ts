import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ParleyError } from '../core/index.ts'
import { readNote } from './note.ts'

/** A model file in the directory. */
export interface StoredModel {
  /** The file name: what `removeModel` takes. */
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Known when it was pulled or served before. */
  readonly sha256: string | undefined
  readonly source: string | undefined
  /** A pull that has not ended; run it again to continue. */
  readonly isPartial: boolean
}

const modelName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.gguf$/

/** The models of a directory by name, unfinished ones included. A directory that is not there has none. */
export async function listModels(directory: string): Promise<StoredModel[]> {
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw ParleyError.from(cause)
  })
  const models: StoredModel[] = []
  for (const file of names.sort()) {
    const isPartial = file.endsWith('.part')
    const name = isPartial ? file.slice(0, -'.part'.length) : file
    if (modelName.test(name)) models.push(...(await describe(directory, name, isPartial)))
  }
  return models
}

/** Removes a model with everything kept beside it. Throws `not_found` for a name that is not one of the directory's. */
export async function removeModel(directory: string, name: string): Promise<void> {
  const exists = modelName.test(name) && (await listModels(directory)).some(model => model.name === name)
  if (!exists) throw new ParleyError('not_found', `there is no model ${name.slice(0, 200)}; see \`parley models\``)
  for (const ending of ['', '.sha256.json', '.part', '.part.url'])
    await rm(join(directory, name + ending), { force: true })
}

async function describe(directory: string, name: string, isPartial: boolean): Promise<StoredModel[]> {
  const path = join(directory, isPartial ? `${name}.part` : name)
  const found = await lstat(path)
  if (!found.isFile()) return []
  const note = isPartial ? undefined : await readNote(`${path}.sha256.json`)
  const isFresh = note?.size === found.size && note.mtimeMs === found.mtimeMs
  const { size: sizeBytes, mtimeMs: modifiedMs } = found
  return [
    { name, path, sizeBytes, modifiedMs, sha256: isFresh ? note.sha256 : undefined, source: note?.source, isPartial },
  ]
}
