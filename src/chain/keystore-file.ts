import { readFile, stat } from 'node:fs/promises'
import { ParleyError } from '../core/index.ts'
import { hasErrorCode, writeAtomically } from './files.ts'

/** The text of a keystore file. Throws `not_found`, or `wallet_invalid` for one too large to be a keystore. */
export async function readKeystore(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > fileBytesMax) throw new ParleyError('wallet_invalid', `${path} is too large to be a wallet file`)
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (!hasErrorCode(cause, 'ENOENT')) throw ParleyError.from(cause, undefined, 'wallet_invalid')
    throw new ParleyError('not_found', `there is no wallet at ${path}; make one with \`parley wallet new\``, { cause })
  }
}

/** Writes a keystore where none is yet. Throws `conflict`. */
export async function writeKeystore(path: string, text: string): Promise<void> {
  try {
    await writeAtomically(path, text, { mayReplace: false })
  } catch (cause) {
    if (!hasErrorCode(cause, 'EEXIST')) throw ParleyError.from(cause, undefined, 'wallet_invalid')
    throw new ParleyError('conflict', `there is already a wallet at ${path}; choose another name`, { cause })
  }
}

/** An empty password would be a key in the clear. */
export function requirePassword(password: string): void {
  if (password !== '') return
  throw new ParleyError('invalid_request', 'a wallet needs a password that is not empty', { param: 'password' })
}

const fileBytesMax = 64 * 1024
