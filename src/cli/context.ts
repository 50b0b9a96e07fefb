import type { Command } from 'commander'
import { type LoadedConfig, loadConfig } from '../config/index.ts'
import { type Clock, type Random, systemClock, systemRandom } from '../core/index.ts'
import { givenConfigFlags } from './flags.ts'
import { type Interrupts, listenForInterrupts } from './interrupt.ts'
import { createOutput, type Output } from './output.ts'
import { createPrompt, type Prompt } from './prompt.ts'

/** What every command gets: its voice, its ear, its configuration and the signal that ends it. */
export interface CommandContext {
  readonly out: Output
  readonly prompt: Prompt
  readonly signal: AbortSignal
  readonly onHangup: Interrupts['onHangup']
  readonly env: NodeJS.ProcessEnv
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly clock: Clock
  readonly random: Random
  /** Reads the configuration; `more` are flags the command itself stands for. */
  readonly load: (more?: Readonly<Record<string, unknown>>) => LoadedConfig
}

export interface GlobalOptions {
  json?: boolean
  yes?: boolean
  input?: boolean
  color?: boolean
  config?: string
  profile?: string
  passwordFile?: string
}

/** The action of a command: builds the context from the whole command line, then runs with arguments and options. */
export function action<A extends unknown[]>(run: (context: CommandContext, ...given: A) => Promise<void>) {
  return async (...given: unknown[]) => {
    const command = given.pop() as Command
    await run(contextOf(rootOf(command)), ...(given as A))
  }
}

function contextOf(program: Command): CommandContext {
  const options = program.opts<GlobalOptions>()
  const { stdin, stdout, stderr, env } = process
  const out = createOutput({ stdout, stderr, env, isJson: options.json === true, color: chosenColor(program) })
  const { signal, onHangup } = listenForInterrupts(systemClock, out.say)
  const prompt = createPrompt({ stdin, stderr, signal, isYes: options.yes === true, mayAsk: options.input !== false })
  const flags = givenConfigFlags(program)
  if (options.passwordFile !== undefined) flags['wallet.passwordFile'] = options.passwordFile
  return {
    out,
    prompt,
    signal,
    onHangup,
    env,
    stdin,
    stdout,
    stderr,
    clock: systemClock,
    random: systemRandom,
    load: more => loadConfig({ env, flags: { ...more, ...flags }, file: options.config, profile: options.profile }),
  }
}

function chosenColor(program: Command): boolean | undefined {
  return program.getOptionValueSource('color') === 'cli' ? program.opts<GlobalOptions>().color : undefined
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent)
}
