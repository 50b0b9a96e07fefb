import { type Config, walletPassword } from '../config/index.ts'
import { ParleyError } from '../core/index.ts'
import type { CommandContext } from './context.ts'

const instead = 'give it with --password-file, PARLEY_WALLET_PASSWORD_FILE or PARLEY_WALLET_PASSWORD'

/** The password of an existing wallet: configured, or asked for. */
export async function existingPassword({ prompt }: CommandContext, config: Config): Promise<string> {
  return walletPassword(config) ?? prompt.secret(`password of wallet ${config.wallet.name}: `, instead)
}

/** The password for a new wallet: configured, or asked for twice. */
export async function newPassword({ prompt }: CommandContext, config: Config, alias: string): Promise<string> {
  const configured = walletPassword(config)
  if (configured !== undefined) return configured
  const first = await prompt.secret(`new password for wallet ${alias}: `, instead)
  const second = await prompt.secret('the same again: ', instead)
  if (first !== second) throw new ParleyError('usage', 'the two passwords differ; nothing was written')
  return first
}
