import { readFileSync } from 'node:fs'
import { ParleyError } from '../core/index.ts'
import type { Config } from './load.ts'

/** The wallet's password where the configuration gives one: the variable, or the file. */
export function walletPassword({ wallet }: Pick<Config, 'wallet'>): string | undefined {
  return wallet.password ?? (wallet.passwordFile && readSecretFile(wallet.passwordFile, 'wallet.passwordFile'))
}

/** The private key given instead of a wallet file, as 0x and 64 digits. */
export function walletPrivateKey({ wallet }: Pick<Config, 'wallet'>): string | undefined {
  const key =
    wallet.privateKey ?? (wallet.privateKeyFile && readSecretFile(wallet.privateKeyFile, 'wallet.privateKeyFile'))
  if (key === undefined || /^0x[0-9a-fA-F]{64}$/.test(key)) return key
  throw new ParleyError(
    'config_invalid',
    'wallet.privateKeyFile does not hold a private key: 0x and 64 hexadecimal digits',
  )
}

type Secrets = Pick<Config, 'telemetry' | 'alerts' | 'mail'>

/** What opens the metrics beside the token of the run directory. */
export function metricsToken({ telemetry: { metricsToken, metricsTokenFile: file } }: Secrets): string | undefined {
  return metricsToken ?? (file && readSecretFile(file, 'telemetry.metricsTokenFile'))
}

export function otlpToken({ telemetry: { otlpToken, otlpTokenFile: file } }: Secrets): string | undefined {
  return otlpToken ?? (file && readSecretFile(file, 'telemetry.otlpTokenFile'))
}

/** What signs alerts. */
export function webhookSecret({ alerts: { webhookSecret, webhookSecretFile: file } }: Secrets): string | undefined {
  return webhookSecret ?? (file && readSecretFile(file, 'alerts.webhookSecretFile'))
}

export function mailPassword({ mail: { password, passwordFile: file } }: Secrets): string | undefined {
  return password ?? (file && readSecretFile(file, 'mail.passwordFile'))
}

type Stores = Pick<Config, 'store' | 'redis'>

/** The PostgreSQL that is configured, or the file on this machine. */
export function storePlace({ store, paths }: Pick<Config, 'store' | 'paths'>): StorePlace {
  const url = store.url ?? (store.urlFile && readSecretFile(store.urlFile, 'store.urlFile'))
  return url === undefined ? { path: paths.storeFile } : { url, connectionsMax: store.connectionsMax }
}

type StorePlace = { readonly path: string } | { readonly url: string; readonly connectionsMax: number }

export function redisUrl({ redis: { url, urlFile: file } }: Stores): string | undefined {
  return url ?? (file && readSecretFile(file, 'redis.urlFile'))
}

/** The master key as it is written down; undefined where the node keeps its own. */
export function masterKey({ store: { masterKey, masterKeyFile: file } }: Stores): string | undefined {
  return masterKey ?? (file && readSecretFile(file, 'store.masterKeyFile'))
}

/** The first line of a file; `-` is standard input. The name says which key asked for it. */
function readSecretFile(path: string, key: string): string {
  let text: string
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    throw new ParleyError('config_invalid', `${key}: ${path} cannot be read; check that it exists and is yours`, {
      cause,
      details: { key },
    })
  }
  const secret = text.split(/\r?\n/, 1)[0]!
  if (secret !== '') return secret
  throw new ParleyError('config_invalid', `${key}: ${path} is empty; write the secret on its first line`, {
    details: { key },
  })
}
