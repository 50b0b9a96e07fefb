import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAdmin } from './commands/admin.ts'
import { addChat } from './commands/chat.ts'
import { addConfig } from './commands/config.ts'
import { addConnect } from './commands/connect.ts'
import { addDev } from './commands/dev.ts'
import { addDoctor } from './commands/doctor.ts'
import { addKey } from './commands/key.ts'
import { addModels } from './commands/models.ts'
import { addOpen } from './commands/open.ts'
import { addProvider } from './commands/provider.ts'
import { addProviders } from './commands/providers.ts'
import { addProxy } from './commands/proxy.ts'
import { addPull } from './commands/pull.ts'
import { addRoute } from './commands/route.ts'
import { addSession } from './commands/session.ts'
import { addStart } from './commands/start.ts'
import { addStatus } from './commands/status.ts'
import { addUp } from './commands/up.ts'
import { addVerify } from './commands/verify.ts'
import { addWallet } from './commands/wallet.ts'
import { addConfigFlags } from './flags.ts'

/** Every command there is. What is heavy is imported by the command that needs it, when it runs. */
export function createProgram(): Command {
  const program = new Command('parley')
    .description('Buys answers of models from providers it finds on chain, and sells those of your own.')
    .version(version(), '-V, --version')
    .option('--json', 'print machine-readable data: one JSON object with "v":1')
    .option('-y, --yes', 'answer yes to every question')
    .option('--no-input', 'never ask; fail and name the flag instead')
    .option('--color', 'use colours, terminal or not')
    .option('--no-color', 'use none')
    .option('--config <file>', 'read this configuration file')
    .option('--profile <name>', 'read this profile after the file')
    .option('--password-file <file>', 'read the wallet password from this file; - is standard input')
    .addHelpText('after', afterHelp)
    .configureOutput({ writeErr: () => undefined })
    .showSuggestionAfterError()
    .exitOverride()
  addConfigFlags(program)
  for (const add of commands) add(program)
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .showSuggestionAfterError()
  }
  return program
}

/** In the order help lists them; what `parley` alone does comes last, so that it changes no command. */
const commands = [
  addUp,
  addDev,
  addOpen,
  addChat,
  addModels,
  addPull,
  addStatus,
  addDoctor,
  addAdmin,
  addWallet,
  addSession,
  addKey,
  addConnect,
  addProviders,
  addProvider,
  addRoute,
  addProxy,
  addVerify,
  addConfig,
  addStart,
]

/** The program and everything below it. */
export function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)]
}

export function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const afterHelp = `
Every configuration key is a flag too: http.port is --http-port and PARLEY_HTTP_PORT.
The keys with what they mean: parley config example

Examples:
  $ parley dev                        try everything on this machine: chain, provider and user
  $ parley up                         run your node; apps use http://127.0.0.1:7275/v1
  $ parley chat parley-nano "Hello!"         ask through the running node
  $ parley models --json | jq .models what can be asked`
