import type { Config } from '../config/index.ts'
import type { Setup } from '../core/index.ts'

/** What a reload is answered with. */
export interface Reloaded {
  readonly v: 1
  readonly generation: number
  readonly upstreams: readonly string[]
  readonly endpoints: readonly string[]
  /** Sections of the configuration that were changed and count from the next start only. */
  readonly needsRestart: readonly string[]
}

const live: readonly string[] = ['upstreams', 'endpoints', 'routing']

export function reloaded({ generation, upstreams, endpoints }: Setup, started: Config, now: Config): Reloaded {
  const [before, after] = [sectionsOf(started), sectionsOf(now)]
  return {
    v: 1,
    generation,
    upstreams: upstreams.map(({ name }) => name),
    endpoints: [...new Set(endpoints.map(({ name }) => name))],
    needsRestart: Object.keys(after).filter(name => !live.includes(name) && before[name] !== after[name]),
  }
}

/** Compared as texts; nothing of them is shown. The password of a wallet may have been asked for. */
function sectionsOf({ paths: _paths, wallet: { password: _password, ...wallet }, ...sections }: Config) {
  return Object.fromEntries(
    Object.entries({ ...sections, wallet }).map(([name, value]) => [name, JSON.stringify(value)]),
  ) as Record<string, string>
}
