import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { createProgram } from '../src/cli/program.ts'
import { type ConfigKey, configSections, inline } from '../src/config/index.ts'
import { errorTable } from '../src/core/index.ts'

/**
 * Writes the pages of docs/ that are made from code; with `--check` it writes nothing and fails when one is out of date.
 */
function main(isCheck: boolean): void {
  const stale = Object.entries(pages).filter(([name, page]) => {
    const file = fileURLToPath(new URL(`../docs/${name}`, import.meta.url))
    const text = `${note}\n\n${page().trim()}\n`
    if (isCheck) return readIfThere(file) !== text
    writeFileSync(file, text)
    console.error(`wrote docs/${name}`)
    return false
  })
  if (stale.length === 0) return
  console.error(`out of date: ${stale.map(([name]) => `docs/${name}`).join(', ')}; run npm run docs`)
  process.exitCode = 1
}

const note = '<!-- Made from the source by `npm run docs`; change it there. -->'
const pages = { 'configuration.md': configuration, 'errors.md': errors, 'cli.md': commands }

function configuration(): string {
  const sections = configSections.map(({ path, description, keys }) => {
    const rows = keys.map(keyRow)
    return [
      `## \`${path}\``,
      '',
      description,
      '',
      '| key | default | variable | flag | meaning |',
      '|---|---|---|---|---|',
      ...rows,
    ].join('\n')
  })
  return `${configurationIntroduction}\n\n${sections.join('\n\n')}`
}

function keyRow({ path, fallback, variable, flag, description, choices, isSecret }: ConfigKey): string {
  const shown = fallback === undefined ? '' : `\`${inline(fallback)}\``
  const words =
    choices === undefined ? description : `${description} One of ${choices.map(word => `\`${word}\``).join(', ')}.`
  const where = isSecret ? `${words} Secret: never in a file or on a command line.` : words
  return `| \`${path}\` | ${shown} | \`${variable}\` | ${flag ? `\`${flag}\`` : ''} | ${cell(where)} |`
}

const configurationIntroduction = `# Configuration

Five layers, each winning over those before: defaults, the file, a profile, the environment, flags. A key \`http.port\`
is \`PARLEY_HTTP_PORT\` in the environment and \`--http-port\` on the command line. Lists in the environment are separated
by commas or written as JSON; lists of tables are JSON. Booleans are \`true\` or \`false\` (also \`1\`/\`0\`, \`yes\`/\`no\`,
\`on\`/\`off\`); as flags they are \`--models-nano\` and \`--no-models-nano\`. An unknown key is an error that names the nearest one.
A configuration with any problem is refused as a whole.

Amounts are in whole tokens of the escrow's ERC-20, as text: \`"0.20"\`. A relative \`chain.deployment\` starts at the
directory of the file that names it; other relative paths start where the command runs.

\`\`\`
parley config example            # a file with every key
parley config check              # every problem at once
parley config show --origin      # every value and where it comes from
\`\`\`

| what | where | with \`PARLEY_HOME\` |
|---|---|---|
| configuration | \`$XDG_CONFIG_HOME/parley/config.toml\` (or \`PARLEY_CONFIG\`, \`--config\`) | \`$PARLEY_HOME/config.toml\` |
| profiles | \`$XDG_CONFIG_HOME/parley/profiles/<name>.toml\` (\`PARLEY_PROFILE\`, \`--profile\`) | \`$PARLEY_HOME/profiles\` |
| wallets, models, ledger, keys | \`$XDG_DATA_HOME/parley\` | \`$PARLEY_HOME/data\` |
| lock and address of the running node | \`$XDG_STATE_HOME/parley/run\` | \`$PARLEY_HOME/state/run\` |
| cache of the registry | \`$XDG_CACHE_HOME/parley\` | \`$PARLEY_HOME/cache\` |`

function errors(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { http, exit, retry, means, next }]) =>
      `| \`${code}\` | ${http} | ${exit} | ${retry ? 'yes' : 'no'} | ${cell(means)} | ${cell(next)} |`,
  )
  const head =
    '| code | HTTP status | exit code | another provider may be tried | meaning | what to do |\n|---|---|---|---|---|---|'
  return `${errorsIntroduction}\n\n${head}\n${rows.join('\n')}`
}

const errorsIntroduction = `# Errors

One code per failure, the same in HTTP bodies (\`error.code\`), between nodes, in events and on the command line. An HTTP
error has OpenAI's body: \`{"error": {"message", "type", "param", "code"}}\`. A command prints three parts on stderr, what,
why and what next, or one line of JSON with \`--json\`, and ends with the exit code. Exit code 0 is success, 130 an
interrupted command.`

function commands(): string {
  const program = createProgram()
  const parts = [...program.commands].flatMap(command => documented(command, 'parley'))
  const global = program.options
    .filter(option => !option.hidden)
    .map(({ flags, description }) => `| \`${flags}\` | ${cell(description)} |`)
  return [
    commandsIntroduction,
    '',
    '## Every command',
    '',
    '| option | meaning |',
    '|---|---|',
    ...global,
    '',
    ...parts,
  ].join('\n')
}

const commandsIntroduction = `# Commands

Data goes to stdout, everything said to people to stderr. \`--json\` prints one object with \`"v":1\`. Without a terminal, or with
\`--yes\` or \`--no-input\`, nothing is asked. Ctrl-C once stops gracefully, twice at once. Exit codes are in
[errors.md](errors.md); every configuration key is a flag too, see [configuration.md](configuration.md).`

function documented(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`
  if (command.commands.length > 0) {
    return [
      `## ${name}`,
      '',
      sentence(command.description()),
      '',
      ...command.commands.flatMap(sub => documented(sub, name)),
    ]
  }
  const usage = `${parent} ${[command.name(), ...command.aliases()].join('|')} ${command.usage()}`.trim()
  const inputs = [
    ...command.registeredArguments.map(argument => `- \`${argument.name()}\`: ${argument.description}`),
    ...command.options.filter(option => !option.hidden).map(option => `- \`${option.flags}\`: ${option.description}`),
  ]
  const level = parent === 'parley' ? '##' : '###'
  const list = inputs.length === 0 ? [] : [...inputs, '']
  return [
    `${level} ${name}`,
    '',
    sentence(command.description()),
    '',
    `\`${usage}\``,
    '',
    ...list,
    ...examples(command),
  ]
}

/** The text after a command's help holds its examples. */
function examples(command: Command): string[] {
  let text = ''
  command.configureOutput({ writeOut: piece => (text += piece) })
  command.outputHelp()
  const lines = text.split('\n').filter(line => line.startsWith('  $ '))
  return lines.length === 0 ? [] : ['```', ...lines.map(line => line.trim().replace(/^\$ /, '')), '```', '']
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
const cell = (text: string) => text.replaceAll('|', '\\|')

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

main(process.argv.includes('--check'))
