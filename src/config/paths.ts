import { chmodSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'

/** Where a node keeps its things. `PARLEY_HOME` puts all of them under one directory. */
export interface Paths {
  readonly configFile: string
  readonly profilesDirectory: string
  readonly dataDirectory: string
  readonly walletsDirectory: string
  readonly modelsDirectory: string
  /** The book of money. */
  readonly ledgerFile: string
  /** What the gateway manages and records, where that is no PostgreSQL. */
  readonly storeFile: string
  /** Seals the secrets in the store, where the configuration gives no key. */
  readonly masterKeyFile: string
  /** Rows that the database does not have yet. */
  readonly spoolDirectory: string
  /** Hashes of API keys, as versions before the store kept them. */
  readonly keysFile: string
  /** Whose the files and jobs are that upstreams keep. */
  readonly ownershipFile: string
  /** The provider's libp2p key. */
  readonly identityFile: string
  readonly stateDirectory: string
  /** How to reach the running node: process id, URL, admin token; 0600. */
  readonly nodeFile: string
  readonly lockFile: string
  readonly cacheDirectory: string
}

/** The XDG base directories, or everything under `PARLEY_HOME`. */
export function resolvePaths(env: NodeJS.ProcessEnv): Paths {
  const home = env.PARLEY_HOME ? resolve(env.PARLEY_HOME) : undefined
  const user = env.HOME || homedir()
  const base = (variable: string, fallback: string, own: string) => {
    if (home !== undefined) return join(home, own)
    const given = env[variable]
    return join(given && isAbsolute(given) ? given : join(user, fallback), 'parley')
  }
  const configDirectory = base('XDG_CONFIG_HOME', '.config', '.')
  const dataDirectory = base('XDG_DATA_HOME', '.local/share', 'data')
  const stateDirectory = base('XDG_STATE_HOME', '.local/state', 'state')
  return {
    configFile: env.PARLEY_CONFIG ? resolve(env.PARLEY_CONFIG) : join(configDirectory, 'config.toml'),
    profilesDirectory: join(configDirectory, 'profiles'),
    dataDirectory,
    walletsDirectory: join(dataDirectory, 'wallets'),
    modelsDirectory: join(dataDirectory, 'models'),
    ledgerFile: join(dataDirectory, 'ledger.db'),
    storeFile: join(dataDirectory, 'gateway.db'),
    masterKeyFile: join(dataDirectory, 'master.key'),
    spoolDirectory: join(dataDirectory, 'spool'),
    keysFile: join(dataDirectory, 'keys.db'),
    ownershipFile: join(dataDirectory, 'ownership.db'),
    identityFile: join(dataDirectory, 'identity.key'),
    stateDirectory,
    nodeFile: join(stateDirectory, 'run', 'node.json'),
    lockFile: join(stateDirectory, 'run', 'node.lock'),
    cacheDirectory: base('XDG_CACHE_HOME', '.cache', 'cache'),
  }
}

/** Makes the directories a node writes to, for its owner only, and the one where its configuration goes. */
export function createDirectories(paths: Paths): void {
  mkdirSync(dirname(paths.profilesDirectory), { recursive: true, mode: 0o700 })
  const own = [paths.dataDirectory, paths.walletsDirectory, paths.modelsDirectory, paths.stateDirectory]
  for (const directory of [...own, join(paths.stateDirectory, 'run'), paths.cacheDirectory]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    chmodSync(directory, 0o700)
  }
}
