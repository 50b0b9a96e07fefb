import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { ParleyError } from '../../core/index.ts'
import type { ProxyLine } from '../../http/index.ts'
import { action, type CommandContext } from '../context.ts'
import { pairs } from '../output.ts'

interface ProxyOptions {
  readonly port: string
  readonly host: string
  readonly allowHost: readonly string[]
  readonly allowOrigin: readonly string[]
  readonly secretFile?: string
  readonly allowLoopback?: boolean
  readonly untilStdinEnds?: boolean
}

const defaultPort = '7277'
/** Running answers have this long to end. */
const graceMs = 10_000

export function addProxy(program: Command): void {
  program
    .command('proxy')
    .description('run a header proxy: pages without a node reach services that do not answer browsers')
    .requiredOption('--allow-host <host...>', 'services that may be asked, like api.example.com or *.example.com')
    .requiredOption('--allow-origin <origin...>', 'pages that may ask, like https://chat.example.com')
    .option('--port <port>', 'listen on this port', defaultPort)
    .option('--host <address>', 'listen on this address', '127.0.0.1')
    .option('--secret-file <file>', 'ask for the secret in this file, as the header x-proxy-secret')
    .option('--allow-loopback', 'services may be on this machine, without TLS there: for development')
    .option('--until-stdin-ends', 'also stop when standard input ends: for programs that start a proxy')
    .addHelpText(
      'after',
      '\nExamples:\n  $ parley proxy --allow-host api.example.com --allow-origin https://chat.example.com' +
        '\n  $ parley proxy --allow-host api.example.com --allow-origin https://chat.example.com --secret-file ./secret --json',
    )
    .action(action((context: CommandContext, options: ProxyOptions) => run(context, options)))
}

/** Runs until it is told to stop, which is how it is meant to end: exit 0. */
async function run({ out, signal: interrupted, stdin }: CommandContext, options: ProxyOptions): Promise<void> {
  const { startHeaderProxy } = await import('../../http/index.ts')
  const proxy = await startHeaderProxy({
    host: options.host,
    port: portOf(options.port),
    allowHosts: options.allowHost.map(hostOf),
    allowOrigins: options.allowOrigin.map(originOf),
    allowLoopback: options.allowLoopback === true,
    secret: secretOf(options.secretFile),
    log: line => out.say(out.isJson ? JSON.stringify(line) : shown(line)),
  })
  const { url } = proxy
  out.answer({ url, allowHosts: options.allowHost, allowOrigins: options.allowOrigin }, () =>
    pairs([
      ['proxy', url],
      ['ask for', `${url}/https://${options.allowHost[0]}/…`],
    ]),
  )
  const signal = options.untilStdinEnds === true ? AbortSignal.any([interrupted, endOf(stdin)]) : interrupted
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
  out.say('stopping')
  await proxy.stop(graceMs)
}

function endOf(stdin: NodeJS.ReadStream): AbortSignal {
  const ended = new AbortController()
  const end = () => ended.abort()
  stdin.on('close', end).on('error', end).on('end', end).resume()
  return ended.signal
}

function shown({ method, host, status, ms }: ProxyLine): string {
  return `${method} ${host || '-'} ${status} ${ms} ms`
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new ParleyError('usage', '--port is no port; give a number from 0 to 65535')
}

/** As a URL writes it, so that it can be compared. */
function hostOf(entry: string): string {
  if (entry === '*') return entry
  const [prefix, name] = entry.startsWith('*.') ? ['*.', entry.slice(2)] : ['', entry]
  const address = `https://${name}`
  const isHost = URL.canParse(address) && /^[^/?#@\s]+$/.test(name)
  if (isHost) return prefix + new URL(address).host
  throw new ParleyError('usage', `--allow-host ${entry} is no host; write api.example.com, without https://`)
}

function originOf(entry: string): string {
  if (entry === '*') return entry
  const isOrigin = URL.canParse(entry) && new URL(entry).origin === entry.replace(/\/$/, '').toLowerCase()
  if (isOrigin) return new URL(entry).origin
  throw new ParleyError('usage', `--allow-origin ${entry} is no origin; write https://chat.example.com, without a path`)
}

function secretOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    const message = `the secret cannot be read from ${file}; check that it exists and is yours`
    throw new ParleyError('usage', message, { cause })
  }
  if (secret !== '') return secret
  throw new ParleyError('usage', `${file} holds no secret; write one into it, or leave --secret-file out`)
}
