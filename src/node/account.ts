import {
  createSessionKeys,
  createSigner,
  createWallets,
  deriveSessionKey,
  type SessionKeyOf,
  type UnlockedWallet,
} from '../chain/index.ts'
import { type Config, walletPassword, walletPrivateKey } from '../config/index.ts'
import { type Address, type Hex, ParleyError, type Random, type Signer } from '../core/index.ts'

/** The account of this node, unlocked as far as the configuration allows. */
export interface Account {
  readonly address: Address
  /** The account's own key: signs transactions, quotes and receipts. Throws `wallet_locked`. */
  readonly signer: () => Promise<Signer>
  /** The key that signs vouchers in one epoch of the account. */
  readonly sessionKey: (of: SessionKeyOf) => Promise<Signer>
}

/** One that somebody may unlock while the node runs. */
export interface OpenableAccount extends Account {
  /** Whether its key is at hand, or will be once it is asked for. */
  readonly isOpen: () => boolean
  readonly open: (wallet: UnlockedWallet) => void
}

/** Undefined when no account is configured: such a node neither pays nor is paid. */
export async function openAccount(config: Config, random: Random): Promise<OpenableAccount | undefined> {
  const raw = walletPrivateKey(config)
  return raw === undefined ? walletAccount(config, random) : keyAccount(raw as Hex)
}

function keyAccount(key: Hex): OpenableAccount {
  const signer = createSigner(key)
  return {
    address: signer.address,
    signer: async () => signer,
    sessionKey: async of => createSigner(deriveSessionKey(Buffer.from(key.slice(2), 'hex'), of)),
    isOpen: () => true,
    open: () => {},
  }
}

/** The account of the wallet that is configured by its name; undefined while there is none. */
export async function walletAccount(config: Config, random: Random): Promise<OpenableAccount | undefined> {
  const { wallet, paths } = config
  const directory = paths.walletsDirectory
  const wallets = createWallets({ directory, random })
  const entry = (await wallets.list()).find(({ alias }) => alias === wallet.name)
  if (entry?.address === undefined) return undefined
  const { address } = entry
  const password = () => {
    const known = walletPassword(config)
    if (known !== undefined) return known
    throw new ParleyError(
      'wallet_locked',
      `wallet ${wallet.name} is locked; give its password with --password-file or PARLEY_WALLET_PASSWORD_FILE`,
    )
  }
  const hasPassword = wallet.password !== undefined || wallet.passwordFile !== undefined
  let unlocked: Promise<UnlockedWallet> | undefined
  let given: UnlockedWallet | undefined
  let hasFailed = false
  // A wrong password can be put right while the node runs.
  const unlock = async () =>
    await (unlocked ??= wallets.unlock(wallet.name, password()).then(
      opened => {
        hasFailed = false
        return opened
      },
      cause => {
        unlocked = undefined
        hasFailed = true
        throw cause
      },
    ))
  return {
    address,
    signer: async () => given ?? (await unlock()),
    sessionKey: async of => {
      if (given !== undefined) return createSigner(given.sessionKey(of))
      try {
        return await createSessionKeys({ directory, random }).unlock({ ...of, payer: address }, password())
      } catch (cause) {
        if (!(cause instanceof ParleyError) || cause.code !== 'not_found') throw cause
        return createSigner((await unlock()).sessionKey(of))
      }
    },
    isOpen: () => given !== undefined || (hasPassword && !hasFailed),
    open: opened => {
      given = opened
    },
  }
}
