import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Address, type Hex, ParleyError, type Random } from '../core/index.ts'
import { hasErrorCode } from './files.ts'
import { addressOfKeystore, decryptKey, encryptKey } from './keystore.ts'
import { readKeystore, requirePassword, writeKeystore } from './keystore-file.ts'
import { deriveSessionKey, type SessionKeyOf } from './session-key.ts'
import { createSigner, type KeySigner, privateKeyBytes } from './signer.ts'

/** Keys in a folder: one keystore file each, and the file's name is the wallet's alias. */
export interface Wallets {
  /** A new key. Throws `conflict` when the alias is taken, as does `import`. */
  readonly create: (alias: string, password: string) => Promise<WalletEntry>
  /** Takes in a raw key, or a keystore file of geth, foundry or another wallet; `password` seals it here. */
  readonly import: (alias: string, source: ImportSource, password: string) => Promise<WalletEntry>
  /** Every keystore in the folder, by alias; one that cannot be used is listed with its problem. */
  readonly list: () => Promise<WalletEntry[]>
  /** Throws `wallet_locked` for a wrong password, `not_found`, `wallet_invalid`. */
  readonly unlock: (alias: string, password: string) => Promise<UnlockedWallet>
  /** The keystore file as it stands: as secret as its password. */
  readonly backup: (alias: string) => Promise<string>
}

export interface WalletEntry {
  readonly alias: string
  readonly path: string
  /** Undefined while only the password could tell. */
  readonly address: Address | undefined
  /** Why the file cannot be used. */
  readonly problem: string | undefined
}

/** Hex digits with or without 0x, or the text of a keystore file and the password it has now. */
export type ImportSource = { readonly privateKey: string } | { readonly keystore: string; readonly password: string }

/** A key in memory, until `lock`. */
export interface UnlockedWallet extends KeySigner {
  readonly alias: string
  /** The key that signs vouchers of this wallet's account: always the same for the same escrow and epoch. */
  readonly sessionKey: (of: SessionKeyOf) => Uint8Array
}

export interface WalletsOptions {
  readonly directory: string
  readonly random: Random
  /** What a guess costs; the default is geth's standard, 2^18. */
  readonly scryptN?: number
}

export function createWallets({ directory, random, scryptN }: WalletsOptions): Wallets {
  const pathOf = (alias: string) => join(directory, checkedAlias(alias))
  const save = async (alias: string, key: Uint8Array, password: string): Promise<WalletEntry> => {
    const path = pathOf(alias)
    requirePassword(password)
    const text = await encryptKey(key, password, { random, scryptN })
    key.fill(0)
    await writeKeystore(path, text)
    return { alias, path, address: addressOfKeystore(text), problem: undefined }
  }
  return {
    create: async (alias, password) => save(alias, privateKeyBytes(random.bytes(32)), password),
    import: async (alias, source, password) => save(alias, await keyOf(source), password),
    list: async () => {
      const entries: WalletEntry[] = []
      for (const alias of await aliasesIn(directory)) entries.push(await entryOf(alias, pathOf(alias)))
      return entries
    },
    unlock: async (alias, password) => unlocked(alias, await decryptKey(await readKeystore(pathOf(alias)), password)),
    backup: async alias => readKeystore(pathOf(alias)),
  }
}

function unlocked(alias: string, key: Uint8Array): UnlockedWallet {
  const signer = createSigner(key)
  let isLocked = false
  return {
    ...signer,
    alias,
    sessionKey: of => {
      if (isLocked) throw new ParleyError('wallet_locked', `wallet ${alias} was locked; unlock it again`)
      return deriveSessionKey(key, of)
    },
    lock: () => {
      isLocked = true
      key.fill(0)
      signer.lock()
    },
  }
}

async function keyOf(source: ImportSource): Promise<Uint8Array> {
  if ('keystore' in source) return decryptKey(source.keystore, source.password)
  const digits = source.privateKey.trim().replace(/^0x/, '')
  return privateKeyBytes(`0x${digits}` satisfies Hex)
}

/** Wide enough for the names geth gives, and nothing that leaves the folder. */
const aliasPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const walletsMax = 1_000

function checkedAlias(alias: string): string {
  if (aliasPattern.test(alias)) return alias
  const rule = 'letters, digits, dot, dash and underscore, 128 at most, the first a letter or digit'
  throw new ParleyError('invalid_request', `'${alias.slice(0, 64)}' cannot name a wallet; use ${rule}`, {
    param: 'alias',
  })
}

async function aliasesIn(directory: string): Promise<string[]> {
  try {
    const found = await readdir(directory, { withFileTypes: true })
    const names = found.filter(file => file.isFile() && aliasPattern.test(file.name)).map(file => file.name)
    return names.sort().slice(0, walletsMax)
  } catch (cause) {
    if (hasErrorCode(cause, 'ENOENT')) return []
    throw new ParleyError('wallet_invalid', `the wallet folder ${directory} cannot be read; check its owner`, { cause })
  }
}

async function entryOf(alias: string, path: string): Promise<WalletEntry> {
  try {
    return { alias, path, address: addressOfKeystore(await readKeystore(path)), problem: undefined }
  } catch (cause) {
    return { alias, path, address: undefined, problem: ParleyError.from(cause).message }
  }
}
