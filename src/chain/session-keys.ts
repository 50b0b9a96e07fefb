import { join } from 'node:path'
import { type Address, ParleyError, type Random } from '../core/index.ts'
import { toAddress } from './address.ts'
import { writeAtomically } from './files.ts'
import { decryptKey, encryptKey } from './keystore.ts'
import { readKeystore, requirePassword } from './keystore-file.ts'
import type { SessionKeyName, SessionKeyOf } from './session-key.ts'
import { createSigner, type KeySigner } from './signer.ts'
import type { UnlockedWallet } from './wallet.ts'

/**
 * Session keys in keystore files of their own, so that a running node needs such a file and its password, and the
 * wallet can stay elsewhere: a stolen session key spends what lies in the escrow, never what lies in the wallet.
 */
export interface SessionKeys {
  /** Derives the key and stores it. Doing it again writes the same key, under the password now given. */
  readonly create: (wallet: UnlockedWallet, of: SessionKeyOf, password: string) => Promise<Address>
  /** Throws `not_found` when there is no such key here, `wallet_locked` for a wrong password. */
  readonly unlock: (name: SessionKeyName, password: string) => Promise<KeySigner>
}

export interface SessionKeysOptions {
  /** The folder of the wallets; session keys lie in `sessions` inside it. */
  readonly directory: string
  readonly random: Random
  /** Half of what wallets take by default: a node waits for this one before it can pay. */
  readonly scryptN?: number
}

export function createSessionKeys({ directory, random, scryptN = 2 ** 17 }: SessionKeysOptions): SessionKeys {
  const pathOf = (name: SessionKeyName) => join(directory, 'sessions', fileName(name))
  return {
    create: async (wallet, of, password) => {
      requirePassword(password)
      const name = { ...of, payer: wallet.address }
      const key = wallet.sessionKey(of)
      try {
        const text = await encryptKey(key, password, { random, scryptN, extra: { parley: labelOf(name) } })
        await writeAtomically(pathOf(name), text, { mayReplace: true })
        return createSigner(key).address
      } catch (cause) {
        throw ParleyError.from(cause, undefined, 'wallet_invalid')
      } finally {
        key.fill(0)
      }
    },
    unlock: async (name, password) => {
      const key = await decryptKey(await readKeystore(pathOf(name)), password)
      try {
        return createSigner(key)
      } finally {
        key.fill(0)
      }
    },
  }
}

/** For whoever finds the file and wonders what it opens. */
function labelOf({ chainId, escrow, payer, epoch }: SessionKeyName): Record<string, string> {
  return { use: 'session key', chainId: String(chainId), escrow, payer, epoch: String(epoch) }
}

function fileName({ chainId, escrow, payer, epoch }: SessionKeyName): string {
  return `session-${chainId}-${toAddress(escrow)}-${toAddress(payer)}-${epoch}`.toLowerCase()
}
