import { existsSync, readFileSync } from 'node:fs'
import { ParleyError } from '../../core/index.ts'
import type { CommandContext } from '../context.ts'
import { type KeyDrawer, withKeys } from '../keys.ts'
import { readAll } from '../prompt.ts'
import { type App, type FileEdit, keyPlaceholder, keyVariable, type Settings } from './app.ts'
import { planFile } from './files.ts'

export interface KeyWish {
  /** One of the caller's own, or `-` for standard input; false for none. */
  readonly key?: string | boolean
  readonly write?: boolean
}

export interface AppKey {
  readonly secret: string
  readonly origin: 'given' | 'made' | 'kept' | 'none'
  /** Of one that was made now. */
  readonly id?: string
}

const keyBytesMax = 500

/**
 * The key for an app. One that its files or this shell already have is kept while it is good, so that connecting twice
 * makes one key. `probe` are the settings with the placeholder in the key's place.
 */
export async function keyFor(context: CommandContext, app: App, probe: Settings, wish: KeyWish): Promise<AppKey> {
  if (typeof wish.key === 'string') return { secret: await givenKey(context, wish.key), origin: 'given' }
  const found = probe.files.flatMap(keyIn)
  const candidates = [...found, context.env[keyVariable] ?? []].flat()
  if (candidates.length > 0) {
    const good = await withKeys(context, keys => firstGood(keys, candidates))
    if (good !== undefined) return { secret: good, origin: 'kept' }
  }
  if (wish.key === false) return { secret: found[0] ?? keyPlaceholder, origin: 'none' }
  if (wish.write && hasNothingToDo(probe)) return { secret: keyPlaceholder, origin: 'none' }
  const { key, secret } = await withKeys(context, keys => keys.create({ name: app.name }))
  return { id: key.id, secret, origin: 'made' }
}

async function firstGood(keys: KeyDrawer, candidates: readonly string[]): Promise<string | undefined> {
  for (const secret of candidates) if (await keys.isGood(secret)) return secret
  return undefined
}

async function givenKey({ stdin }: CommandContext, given: string): Promise<string> {
  const key = given === '-' ? (await readAll(stdin, keyBytesMax)).trim() : given
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= keyBytesMax) return key
  throw new ParleyError('usage', 'that is not an API key; make one with parley key new')
}

/** The files are as they should be and hold no key: the key is elsewhere, and was given before. */
function hasNothingToDo({ files }: Settings): boolean {
  return files.length > 0 && files.every(edit => !edit.holdsKey && planFile(edit).state === 'unchanged')
}

/** The key that stands in a file now. */
function keyIn({ path, format, merge, holdsKey }: FileEdit): string[] {
  if (!holdsKey || format !== 'env' || !existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  const names = Object.keys(merge).filter(name => merge[name] === keyPlaceholder)
  return names.flatMap(
    name =>
      new RegExp(String.raw`^\s*(?:export\s+)?${name}\s*=\s*['"]?([\x21-\x7e]+?)['"]?\s*$`, 'm').exec(text)?.[1] ?? [],
  )
}
