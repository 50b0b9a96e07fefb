import { readFileSync } from 'node:fs'
import { ParleyError } from '../core/index.ts'
import { importedKeyAt } from './imported.ts'

export interface KeyPlace {
  readonly name: string
  readonly keyEnv?: string | undefined
  readonly keyFile?: string | undefined
}

/** The API key of an upstream, from where its entry says. Throws `config_invalid` where there is none. */
export function upstreamKey({ name, keyEnv, keyFile }: KeyPlace, env: NodeJS.ProcessEnv): string | undefined {
  if (keyEnv !== undefined) {
    const key = importedKeyAt(keyEnv, env) ?? env[keyEnv]
    if (key) return key
    throw new ParleyError('config_invalid', `upstream ${name} takes its key from ${keyEnv}, which is not set; set it`)
  }
  if (keyFile === undefined) return undefined
  try {
    return readFileSync(keyFile, 'utf8').trim()
  } catch (cause) {
    throw new ParleyError('config_invalid', `the key file of upstream ${name} cannot be read: ${keyFile}`, { cause })
  }
}
