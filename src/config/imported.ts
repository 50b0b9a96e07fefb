import { z } from 'zod'
import { ParleyError } from '../core/index.ts'
import { sentence, shown } from './check.ts'
import { jsonFault } from './json-fault.ts'
import type { Layer, Tree } from './layers.ts'
import { count, httpUrl, shortName } from './sections/values.ts'

/**
 * What the Akash chat gateway reads from its environment, for those who come from there: `ENDPOINTS` has its servers as
 * JSON, `PROXY_API_KEY` the key of its callers, `PORT` where it listens. Keys stay in the environment: the configuration
 * names the place, and nothing prints or keeps them.
 */
const importedServer = z.strictObject({
  url: httpUrl(),
  apiKey: z.string().max(10_000).optional(),
  models: z.array(shortName()).max(1_000).nullish(),
  priority: count(100).default(1),
  weight: z.number().min(0).max(1_000_000).default(1),
})

const importedServers = z.array(importedServer).max(64)

const variable = 'ENDPOINTS'

/** Just above the defaults: what a configuration says itself wins. */
export function importedDefaults(env: NodeJS.ProcessEnv): Layer[] {
  if (!env[variable]) return []
  return [{ name: 'environment', tree: { routing: { policy: 'weighted' } }, where: () => variable }]
}

/** With the other variables: `PORT`, which one of this node's own goes before. */
export function importedPort({ [variable]: servers, PORT: port }: NodeJS.ProcessEnv): Layer[] {
  if (!servers || !port) return []
  const value = /^\d{1,5}$/.test(port) ? Number(port) : port
  return [{ name: 'environment', tree: { http: { port: value } }, where: () => 'PORT' }]
}

/** The servers behind those that are configured. */
export function importedUpstreams(env: NodeJS.ProcessEnv, said: readonly Layer[]): Layer[] {
  const servers = readServers(env)
  if (servers.length === 0) return []
  const under = said.findLast(({ tree }) => Object.hasOwn(tree, 'upstreams'))
  const configured = under?.tree.upstreams
  const others: readonly unknown[] = Array.isArray(configured) ? configured : []
  const place = (path: string) => {
    const index = Number(/^upstreams\.(\d+)/.exec(path)?.[1] ?? Number.POSITIVE_INFINITY)
    return under !== undefined && index < others.length ? under.where(path) : variable
  }
  return [{ name: 'environment', tree: { upstreams: [...others, ...servers.map(entryOf)] }, where: place }]
}

/** The key of callers that came along with the servers. */
export function importedCallerKey({ [variable]: servers, PROXY_API_KEY: key }: NodeJS.ProcessEnv): string | undefined {
  return servers && key ? key : undefined
}

/** What `ENDPOINTS[0]` stands for; undefined for every other name. */
export function importedKeyAt(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const index = /^ENDPOINTS\[(\d+)\]$/.exec(name)?.[1]
  return index === undefined ? undefined : readServers(env)[Number(index)]?.apiKey
}

function entryOf({ url, apiKey, models, priority, weight }: z.output<typeof importedServer>, index: number): Tree {
  const key = apiKey ? { keyEnv: `${variable}[${index}]` } : {}
  return { name: `endpoint-${index + 1}`, url, ...key, models: models ?? [], priority, weight }
}

function readServers({ [variable]: text }: NodeJS.ProcessEnv): z.output<typeof importedServers> {
  if (!text) return []
  const fault = jsonFault(text)
  if (fault !== undefined) throw invalid(`is not JSON: it goes wrong at ${placeOf(text, fault)}; correct it there`)
  const result = importedServers.safeParse(JSON.parse(text))
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = shown(['', ...(issue?.path ?? []).map(String)].join('.'))
  // Only names of keys are repeated: values may be secrets in the wrong place.
  const why = issue?.code === 'unrecognized_keys' ? `has the unknown key ${issue.keys[0]}; remove it` : sentence(issue!)
  throw invalid(`${path === '' ? ' ' : `${path} `}${why}`.trimStart(), path !== '')
}

function placeOf(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n')
  const end = at >= text.length ? ', its end' : ''
  return `position ${at} (line ${lines.length}, column ${lines.at(-1)!.length + 1})${end}`
}

function invalid(message: string, isPath = false): ParleyError {
  return new ParleyError('config_invalid', `${variable}${isPath ? '' : ' '}${message}`, { details: { variable } })
}
