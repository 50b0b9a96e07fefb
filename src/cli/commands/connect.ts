import type { Command } from 'commander'
import { ParleyError } from '../../core/index.ts'
import type { App, Snippet } from '../connect/app.ts'
import { keyPlaceholder } from '../connect/app.ts'
import { apps, findApp, settingsFor } from '../connect/apps.ts'
import { chooseModel, nodeFacts, placesOf } from '../connect/facts.ts'
import { changesOf, type PlannedFile, planFile, restoreFile, type WrittenFile, writeFile } from '../connect/files.ts'
import { render } from '../connect/formats.ts'
import { type AppKey, type KeyWish, keyFor } from '../connect/key.ts'
import { action, type CommandContext } from '../context.ts'
import { table } from '../output.ts'

interface ConnectOptions extends KeyWish {
  model?: string
  restore?: boolean
}

export function addConnect(program: Command): void {
  program
    .command('connect')
    .argument('[app]', 'the app to connect; without one, those there are')
    .description('print the settings that point an app at this node; with --write, put them into its files')
    .option('--model <id>', 'the model to use, an id of `parley models`; the first that can chat when missing')
    .option('--key <key>', 'an API key of your own; - reads it from standard input')
    .option('--no-key', 'make no API key and show where one goes')
    .option('--write', 'write the files of the app, after a backup of each')
    .option('--restore', 'undo the last --write')
    .addHelpText(
      'after',
      '\nExamples:\n  $ parley connect\n  $ parley connect opencode\n  $ parley connect zed --write',
    )
    .action(
      action(async (context, name: string | undefined, options: ConnectOptions) => {
        if (name === undefined) return list(context)
        const app = findApp(name)
        if (options.write && options.restore) throw new ParleyError('usage', 'give --write or --restore, not both')
        return options.restore ? restore(context, app) : connect(context, app, options)
      }),
    )
}

function list({ out }: CommandContext): void {
  const listed = apps.map(({ name, title, what, takes }) => ({ name, title, what, takes }))
  out.answer({ apps: listed }, () =>
    table(
      ['APP', 'NAME', 'WHAT', 'TAKES ITS SETTINGS FROM'],
      listed.map(({ name, title, what, takes }) => [name, title, what, takes]),
    ),
  )
}

async function connect(context: CommandContext, app: App, options: ConnectOptions): Promise<void> {
  const node = await nodeFacts(context)
  const { baseUrl, isRunning } = node
  const known = { baseUrl, ...chooseModel(node, options.model), places: placesOf(context.env) }
  const probe = settingsFor(app, { ...known, apiKey: keyPlaceholder })
  if (options.write && probe.files.length === 0) {
    throw new ParleyError(
      'usage',
      `${app.title} takes its settings from ${app.takes}, so there is no file to write; paste what parley connect ${app.name} prints`,
    )
  }
  const key = await keyFor(context, app, probe, options)
  const { inline, files, next, notes } = settingsFor(app, { ...known, apiKey: key.secret })
  const planned = files.map(planFile)
  const written = options.write ? planned.map(file => writeFile(file, context.clock.now())) : undefined
  const shown = planned.map((file, index) => ({ ...described(file), ...written?.[index] }))
  const facts = { app: app.name, baseUrl, isRunning, model: known.model.id, apiKey: key.secret, keyId: key.id ?? null }
  context.out.answer({ ...facts, inline, files: shown, next, notes }, () => {
    const head = `${app.title}: ${baseUrl}, model ${known.model.id}`
    return [head, ...(written ? afterWriting(shown, next) : beforeWriting(shown, inline, next, app))].join('\n\n')
  })
  tell(context, notes, key, isRunning)
  const refused = shown.filter(({ state }) => state === 'refused')
  if (written !== undefined && refused.length > 0) throw refusal(refused)
}

interface ShownFile extends Omit<WrittenFile, 'state'> {
  readonly state: PlannedFile['state'] | WrittenFile['state']
  readonly format: string
  /** What belongs into the file. */
  readonly text: string
  readonly changes: readonly string[]
}

function described(file: PlannedFile): ShownFile {
  const { path, state, edit, reason } = file
  const changes = changesOf(file)
  return { path, state, format: edit.format, text: render(edit), changes, ...(reason !== undefined && { reason }) }
}

function beforeWriting(files: readonly ShownFile[], inline: readonly Snippet[], next: readonly Snippet[], app: App) {
  const parts = [...inline.map(section), ...files.map(({ path, text }) => section({ title: `in ${path}`, text }))]
  const effects = files.map(fileEffect)
  const title = `parley connect ${app.name} --write would`
  return [...parts, ...next.map(section), ...(effects.length > 0 ? [section({ title, text: effects.join('\n') })] : [])]
}

function fileEffect({ path, state, changes, reason }: ShownFile): string {
  if (state === 'create') return `create ${path}`
  if (state === 'unchanged') return `leave ${path} as it is`
  if (state === 'refused') return `not touch ${path}: ${reason}`
  return [`change ${path}, after a backup`, ...changes].join('\n')
}

function afterWriting(files: readonly ShownFile[], next: readonly Snippet[]): string[] {
  const lines = files.map(({ path, state, backup }) => `${state} ${path}${backup ? ` (backup: ${backup})` : ''}`)
  const toPaste = files
    .filter(({ state }) => state === 'refused')
    .map(({ path, text }) => ({ title: `paste into ${path}`, text }))
  return [lines.join('\n'), ...toPaste.map(section), ...next.map(section)]
}

function section({ title, text }: Snippet): string {
  return `# ${title}\n${text.trimEnd()}`
}

function tell({ out }: CommandContext, notes: readonly string[], key: AppKey, isRunning: boolean): void {
  if (!isRunning) out.say('no node is running here: address and models are those of the configuration')
  if (key.origin === 'made') out.say(`key ${key.id} was made for it; it is not shown again`)
  if (key.secret === keyPlaceholder) out.say('put a key in place of the example: parley key new')
  for (const note of notes) out.say(note)
}

function refusal(files: readonly ShownFile[]): ParleyError {
  const reasons = files.map(({ path, reason }) => `${path}: ${reason}`).join(', ')
  return new ParleyError(
    'conflict',
    `not everything was written (${reasons.replaceAll(';', ',')}); paste what is shown above by hand`,
  )
}

/** Undoes the last write of each file of an app. Which files those are does not depend on the node. */
function restore({ out, env }: CommandContext, app: App): void {
  const model = { id: 'any', contextTokens: 1, maxOutputTokens: 1, canChat: true, canUseTools: true }
  const any = { baseUrl: 'http://127.0.0.1/v1', apiKey: keyPlaceholder, model, models: [model], places: placesOf(env) }
  const files = settingsFor(app, any).files.flatMap(edit => restoreFile(edit) ?? [])
  if (files.length === 0) {
    throw new ParleyError('not_found', `there is nothing to restore for ${app.title}; --write makes a backup first`)
  }
  out.answer({ app: app.name, files }, () => files.map(({ path, state }) => `${state} ${path}`).join('\n'))
}
