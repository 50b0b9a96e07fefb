import { type Command, Option } from 'commander'
import { z } from 'zod'
import { configKeys, exampleConfig, inline, type LoadedConfig } from '../../config/index.ts'
import { action } from '../context.ts'
import { pairs, table } from '../output.ts'
import { requireNode } from '../running-node.ts'

export function addConfig(program: Command): void {
  const config = program.command('config').description('check, show and start a configuration')
  config
    .command('check')
    .description('say whether the configuration is valid, and every problem if not')
    .action(
      action(async ({ load, out }) => {
        const { config } = load()
        out.answer({ valid: true, file: config.paths.configFile }, () => 'the configuration is valid')
      }),
    )
  config
    .command('show')
    .description('print every value in effect; secrets only as set or not')
    .addOption(new Option('--origin', 'print where each value comes from: file, variable or flag'))
    .addHelpText('after', '\nExamples:\n  $ parley config show --origin\n  $ parley config show --json | jq .values')
    .action(
      action(async ({ load, out }, { origin }: { origin?: boolean }) => {
        const loaded = load()
        if (out.isJson) out.answer(shownJson(loaded, origin === true), () => '')
        else out.print(origin ? withOrigins(loaded) : shownToml(loaded))
      }),
    )
  config
    .command('example')
    .description('print a configuration file with every key, its default and what it is for')
    .addHelpText('after', '\nExample:\n  $ parley config example > ~/.config/parley/config.toml')
    .action(action(async ({ out }) => out.print(exampleConfig().trimEnd())))
  config
    .command('reload')
    .description('have the running node read its configuration again: upstreams, endpoints and routing change at once')
    .addHelpText('after', '\nExample:\n  $ parley config check && parley config reload')
    .action(
      action(async ({ load, out, signal }) => {
        const bound = AbortSignal.any([signal, AbortSignal.timeout(reloadMs)])
        const response = await requireNode(load().config.paths).request('/api/reload', { signal: bound, body: {} })
        out.answer(Reloaded.parse(await response.json()), reloadedText)
      }),
    )
}

const reloadMs = 60_000

const names = z.array(z.string())
const Reloaded = z.looseObject({ generation: z.int(), upstreams: names, endpoints: names, needsRestart: names })

function reloadedText({ generation, upstreams, endpoints, needsRestart }: z.infer<typeof Reloaded>): string {
  const rows: [string, string][] = [
    ['setup', String(generation)],
    ['upstreams', upstreams.join(', ') || 'none'],
    ['endpoints', endpoints.join(', ') || 'none'],
  ]
  if (needsRestart.length > 0) rows.push(['after a restart', needsRestart.join(', ')])
  return pairs(rows)
}

/** Every key with its value, secrets hidden. */
function values({ config }: LoadedConfig): (readonly [string, unknown])[] {
  return configKeys.map(({ path, isSecret }) => {
    const value = path.split('.').reduce<unknown>((tree, part) => (tree as Record<string, unknown>)[part], config)
    return [path, isSecret && value !== undefined ? '(set)' : value]
  })
}

function shownToml(loaded: LoadedConfig): string {
  const set = values(loaded).filter(([, value]) => value !== undefined)
  return set.map(([path, value]) => `${path} = ${inline(value)}`).join('\n')
}

function withOrigins(loaded: LoadedConfig): string {
  const rows = values(loaded).map(([path, value]) => [
    path,
    value === undefined ? '' : inline(value),
    loaded.origins.get(path)?.where ?? '',
  ])
  return table(['KEY', 'VALUE', 'FROM'], rows)
}

function shownJson(loaded: LoadedConfig, withOrigin: boolean): object {
  const shown = Object.fromEntries(values(loaded).map(([path, value]) => [path, value ?? null]))
  const { paths } = loaded.config
  return { values: shown, paths, ...(withOrigin && { origins: Object.fromEntries(loaded.origins) }) }
}
