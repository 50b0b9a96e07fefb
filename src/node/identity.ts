import { readFileSync, writeFileSync } from 'node:fs'
import type { Paths } from '../config/index.ts'
import { ParleyError } from '../core/index.ts'
import { createIdentity } from '../p2p/index.ts'

/** The provider's libp2p key, made at the first start. Whoever has the file is this peer. */
export async function readIdentity({ identityFile }: Paths): Promise<Uint8Array> {
  try {
    return readFileSync(identityFile)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new ParleyError('config_invalid', `the identity ${identityFile} cannot be read; check its permissions`, {
        cause,
      })
    }
    const { key } = await createIdentity()
    writeFileSync(identityFile, key, { mode: 0o600, flag: 'wx' })
    return key
  }
}
