import { readFileSync, writeFileSync } from 'node:fs'
import { ParleyError } from '../core/index.ts'
import { createIdentity, type Identity, identityFromKey } from './identity.ts'

/** The identity kept in a file, made at the first call. Whoever has the file is this peer. Throws `config_invalid`. */
export async function openIdentityFile(path: string): Promise<Identity> {
  try {
    return identityFromKey(readFileSync(path))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new ParleyError(
        'config_invalid',
        `the identity ${path} cannot be read; check the file and its permissions`,
        {
          cause,
        },
      )
    }
    const identity = await createIdentity()
    writeFileSync(path, identity.key, { mode: 0o600, flag: 'wx' })
    return identity
  }
}
