import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { type Config, nearest } from '../../config/index.ts'
import { ParleyError } from '../../core/index.ts'
import { type Model, ModelList } from '../../openai/index.ts'
import type { CommandContext } from '../context.ts'
import { clean } from '../output.ts'
import { findNode } from '../running-node.ts'
import type { ModelFacts, Places } from './app.ts'

/** What is known about this node. */
export interface NodeFacts {
  /** `/v1` included. */
  readonly baseUrl: string
  readonly models: readonly ModelFacts[]
  /** A running node knows its models; a configuration only what was written into it. */
  readonly isRunning: boolean
}

const listTimeoutMs = 10_000
const modelsMax = 100
const idLengthMax = 200

/** From the running node, else from the configuration. */
export async function nodeFacts({ load, signal }: CommandContext): Promise<NodeFacts> {
  const { config } = load()
  const node = findNode(config.paths)
  if (node === undefined) return { baseUrl: configuredUrl(config), models: configuredModels(config), isRunning: false }
  const bound = AbortSignal.any([signal, AbortSignal.timeout(listTimeoutMs)])
  const { data } = ModelList.parse(await node.read('/v1/models', bound))
  return { baseUrl: `${reachable(node.url)}/v1`, models: data.filter(isFit).map(toFacts), isRunning: true }
}

/** The model to use, and those to list beside it. Throws `model_not_found`. */
export function chooseModel({ models, isRunning }: NodeFacts, wanted: string | undefined) {
  const chatting = models.filter(({ canChat }) => canChat)
  const chosen = wanted === undefined ? chatting[0] : models.find(({ id }) => id === wanted)
  if (chosen !== undefined) return { model: chosen, models: unique([chosen, ...chatting]) }
  if (wanted === undefined) {
    throw new ParleyError('model_not_found', 'this node has no model to chat with; get one, see parley pull --help')
  }
  if (!isRunning && isFit({ id: wanted })) return { model: named(wanted), models: unique([named(wanted), ...chatting]) }
  const near = nearest(
    wanted,
    models.map(({ id }) => id),
  )
  const next = near === undefined ? 'see parley models' : `did you mean ${near}? See parley models`
  throw new ParleyError('model_not_found', `the node has no model ${JSON.stringify(wanted)}; ${next}`)
}

export function placesOf(env: NodeJS.ProcessEnv): Places {
  const home = env.HOME || homedir()
  const given = env.XDG_CONFIG_HOME
  return {
    home,
    config: given && isAbsolute(given) ? given : join(home, '.config'),
    codex: env.CODEX_HOME ? resolve(env.CODEX_HOME) : join(home, '.codex'),
    current: process.cwd(),
  }
}

function unique(models: readonly ModelFacts[]): ModelFacts[] {
  return [...new Map(models.map(model => [model.id, model])).values()].slice(0, modelsMax)
}

/** Names come from others and go into files and shells: one no terminal shows as it is is left out. */
function isFit({ id }: Pick<Model, 'id'>): boolean {
  return clean(id) === id && id.length <= idLengthMax
}

function toFacts({ id, context_length, max_model_len, max_output_tokens, capabilities }: Model): ModelFacts {
  return {
    id,
    contextTokens: context_length ?? max_model_len,
    maxOutputTokens: max_output_tokens,
    canChat: capabilities?.includes('chat') ?? true,
    canUseTools: capabilities?.includes('tools') ?? true,
  }
}

function named(id: string, contextTokens?: number): ModelFacts {
  return { id, contextTokens, maxOutputTokens: undefined, canChat: true, canUseTools: true }
}

function configuredModels({ models, upstreams }: Config): ModelFacts[] {
  return [
    ...models.local.map(({ id, contextTokens }) => named(id, contextTokens)),
    ...upstreams.flatMap(upstream => (upstream.models ?? []).map(id => named(id))),
    ...(models.nano ? [named('parley-nano')] : []),
  ].filter(isFit)
}

function configuredUrl({ http: { host, port } }: Config): string {
  if (port === 0) {
    throw new ParleyError(
      'not_found',
      'no node is running here, and with http.port = 0 its address is not known before; start one with `parley up`',
    )
  }
  return `${reachable(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)}/v1`
}

/** The address to dial for one that is listened on. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
