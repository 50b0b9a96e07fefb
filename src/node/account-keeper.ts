import { createWallets, type ImportSource, type WalletEntry } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import { ParleyError, type Random, type WalletState } from '../core/index.ts'
import { type Account, type OpenableAccount, openAccount, walletAccount } from './account.ts'

/**
 * The account of this node, which may come while it runs and stays the same from then on: who pays asks for it when it is needed,
 * so nothing has to start anew.
 */
export interface AccountKeeper {
  readonly current: () => Account | undefined
  readonly state: () => WalletState
  /** The file's name; undefined for a private key of the configuration. */
  readonly name: string | undefined
  /** Every wallet in the folder. */
  readonly list: () => Promise<readonly WalletEntry[]>
  /** Throws `conflict` where the name is taken. A wallet of the configured name is in use at once. */
  readonly create: (name: string, password: string) => Promise<void>
  readonly import: (name: string, source: ImportSource, password: string) => Promise<void>
  /** Throws `wallet_locked` for a wrong password, `not_found` without a wallet. */
  readonly unlock: (password: string) => Promise<void>
  /** Calls back when an account has come. */
  readonly onCome: (listener: () => void) => void
}

/** Without a chain no private key is read: nothing would use it. */
export async function createAccountKeeper(config: Config, random: Random): Promise<AccountKeeper> {
  const { wallet, chain, paths } = config
  const { name } = wallet
  const wallets = createWallets({ directory: paths.walletsDirectory, random })
  const hasKey = wallet.privateKey !== undefined || wallet.privateKeyFile !== undefined
  let account: OpenableAccount | undefined =
    chain.rpcUrls.length > 0 ? await openAccount(config, random) : await walletAccount(config, random)
  let came = () => {}
  const unlockAs = async (alias: string, password: string) => {
    const opened = await wallets.unlock(alias, password)
    const isNew = account === undefined
    account ??= await walletAccount(config, random)
    account?.open(opened)
    if (isNew && account !== undefined) came()
  }
  /** A file that was written is opened again: what cannot be opened should show now. */
  const made = async (alias: string, password: string, write: () => Promise<unknown>) => {
    if (hasKey) {
      const what = 'this node uses the private key of its configuration'
      throw new ParleyError('conflict', `${what}; take wallet.privateKey out, then make a wallet`)
    }
    await write()
    if (alias === name) await unlockAs(alias, password)
  }
  return {
    name: hasKey ? undefined : name,
    current: () => account,
    state: () => (account === undefined ? 'none' : account.isOpen() ? 'open' : 'locked'),
    list: () => wallets.list(),
    create: (alias, password) => made(alias, password, () => wallets.create(alias, password)),
    import: (alias, source, password) => made(alias, password, () => wallets.import(alias, source, password)),
    unlock: async password => {
      if (!hasKey) await unlockAs(name, password)
    },
    onCome: listener => {
      came = listener
    },
  }
}
