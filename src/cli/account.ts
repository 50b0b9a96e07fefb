import type { KeySigner, SessionKeyOf } from '../chain/index.ts'
import { type Config, walletPrivateKey } from '../config/index.ts'
import { type Hex, ParleyError } from '../core/index.ts'
import type { CommandContext } from './context.ts'
import { existingPassword } from './password.ts'

/** The configured wallet, unlocked for as long as a command runs. */
export interface Account extends KeySigner {
  /** The key that signs vouchers of this account in one epoch. */
  readonly sessionKey: (of: SessionKeyOf) => Uint8Array
}

/** Unlocks the wallet with the configured password or the one that is typed; a private key needs none. */
export async function openAccount(context: CommandContext, config: Config): Promise<Account> {
  const { createSigner, createWallets, deriveSessionKey } = await import('../chain/index.ts')
  const privateKey = walletPrivateKey(config) as Hex | undefined
  if (privateKey !== undefined) {
    const bytes = Buffer.from(privateKey.slice(2), 'hex')
    return { ...createSigner(privateKey), sessionKey: of => deriveSessionKey(bytes, of) }
  }
  const wallets = createWallets({ directory: config.paths.walletsDirectory, random: context.random })
  await requireWallet(config)
  return wallets.unlock(config.wallet.name, await existingPassword(context, config))

  async function requireWallet({ wallet }: Config): Promise<void> {
    if ((await wallets.list()).some(({ alias }) => alias === wallet.name)) return
    throw new ParleyError(
      'not_found',
      `there is no wallet ${wallet.name}; make it with \`parley wallet new ${wallet.name}\``,
    )
  }
}

/** The address of the configured wallet, where it can be told without the password. */
export async function addressOf(context: CommandContext, config: Config): Promise<Hex> {
  const { createWallets } = await import('../chain/index.ts')
  if (walletPrivateKey(config) === undefined) {
    const wallets = createWallets({ directory: config.paths.walletsDirectory, random: context.random })
    const found = (await wallets.list()).find(({ alias }) => alias === config.wallet.name)
    if (found?.address !== undefined) return found.address
  }
  const account = await openAccount(context, config)
  account.lock()
  return account.address
}
