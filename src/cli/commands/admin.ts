import type { Command } from 'commander'
import { createDirectories, masterKey } from '../../config/index.ts'
import { ParleyError } from '../../core/index.ts'
import type { SqlStore } from '../../store/index.ts'
import { action, type CommandContext } from '../context.ts'
import { withStore } from '../gateway-store.ts'
import { putOnRecord } from '../on-record.ts'

export function addAdmin(program: Command): void {
  const admin = program.command('admin').description('who manages this node, and the secrets it keeps')
  admin
    .command('setup')
    .description('print a token, good for an hour and for one use, with which the first admin makes an account')
    .addHelpText('after', '\nExamples:\n  $ parley admin setup')
    .action(action(setup))
  admin
    .command('rotate-secrets')
    .description('seal the keys of providers under a new master key; stop every node of this store before')
    .requiredOption('--new-key-file <path>', 'file with the new key: 32 bytes in hexadecimal or base64')
    .addHelpText(
      'after',
      '\nExamples:\n  $ openssl rand -hex 32 > new.key\n  $ parley admin rotate-secrets --new-key-file new.key',
    )
    .action(action((context: CommandContext, options: { newKeyFile: string }) => rotate(context, options.newKeyFile)))
}

async function setup(context: CommandContext): Promise<void> {
  const { clock, random, out, load } = context
  const { config } = load()
  const { createFirstRun, createPasswords, createTokens } = await import('../../auth/index.ts')
  const token = await withSecrets(context, async ({ users, logs }, key) => {
    const tokens = createTokens({ masterKey: key, clock })
    const made = await createFirstRun({ users, passwords: createPasswords({ random }), tokens }).token()
    if (made !== undefined) await putOnRecord(logs, context, 'admin setup')
    return made
  })
  if (token === undefined) {
    throw new ParleyError('conflict', 'this node has an admin already; ask one of them for an invitation')
  }
  const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host
  const body = JSON.stringify({ token, email: 'you@example.com', name: 'You', password: 'a long password' })
  const url = `http://${host}:${config.http.port}/api/auth/setup`
  out.answer({ token, url }, () => token)
  out.say(`within an hour: curl ${url} -H 'content-type: application/json' -d '${body.replace(token, '…')}'`)
}

async function rotate(context: CommandContext, path: string): Promise<void> {
  const { random, out } = context
  const { createSealer, parseMasterKey } = await import('../../store/index.ts')
  const text = await readKey(path)
  const next = parseMasterKey(text)
  const count = await withSecrets(context, async (store, key) => {
    const sealed = await store.rotateSecrets(createSealer(key, random), createSealer(next, random))
    await putOnRecord(store.logs, context, 'admin rotate-secrets')
    return sealed
  })
  out.answer({ secrets: count }, () => `${count} secrets are sealed under the new key`)
  const { config } = context.load()
  if (masterKey(config) !== undefined)
    return out.say('set store.masterKey of every node to the new key before it starts')
  await replaceKey(config.paths.masterKeyFile, text)
  out.say(`the new key is in ${config.paths.masterKeyFile}, the old one beside it in case a backup needs it`)
}

async function replaceKey(path: string, text: string): Promise<void> {
  const { copyFile, rename, writeFile } = await import('node:fs/promises')
  await copyFile(path, `${path}.old`)
  await writeFile(`${path}.new`, `${text.trim()}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

async function readKey(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ParleyError('usage', `${path} cannot be read; check that it exists and is yours`, { cause })
  }
}

async function withSecrets<T>(
  context: CommandContext,
  use: (store: SqlStore, key: Uint8Array) => Promise<T>,
): Promise<T> {
  const { load, random } = context
  const { config } = load()
  const { createSealer, openMasterKey } = await import('../../store/index.ts')
  createDirectories(config.paths)
  const key = openMasterKey(masterKey(config), config.paths.masterKeyFile, random)
  return await withStore(context, store => use(store, key), createSealer(key, random))
}
