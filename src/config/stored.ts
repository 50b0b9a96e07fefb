import type { z } from 'zod'
import { type JsonDocument, ParleyError } from '../core/index.ts'
import { sentence, shown } from './check.ts'
import type { Config } from './load.ts'
import { storedMapping } from './sections/endpoints.ts'
import { routingSection } from './sections/serving.ts'
import { missingIn, storedKind, storedUpstream } from './sections/upstreams.ts'
import { shortName } from './sections/values.ts'

/** One upstream, wherever it was written down. */
export type UpstreamConfig = Config['upstreams'][number]
/** A model name of this node's own. */
export type EndpointConfig = Config['endpoints'][number]

/** What a row of a provider says, as far as it is configuration. */
export interface StoredUpstream {
  readonly name: string
  readonly provider: string
  readonly config: unknown
  /** The row has a secret beside its config. */
  readonly hasKey: boolean
}

/** A row as an entry of `upstreams`. Throws `config_invalid` with what is wrong, and where it is. */
export function upstreamOf({ name, provider, config, hasKey }: StoredUpstream, where: string): UpstreamConfig {
  checked(shortName(), name, `${where}: name`)
  const kind = checked(storedKind, provider, `${where}: provider`)
  const fields = checked(storedUpstream, config, `${where}: config`)
  const [missing] = missingIn({ ...fields, kind, hasKey: hasKey || fields.keyEnv !== undefined })
  if (missing !== undefined) throw invalid(`${where}: config.${missing.join(' ')}`)
  if (hasKey && fields.keyEnv !== undefined)
    throw invalid(`${where}: config.keyEnv and a secret are both set: keep one`)
  return { ...fields, name, kind }
}

/** The mapping of an API path as entries of `endpoints`, its aliases among them. */
export function endpointsOf(mapping: unknown, where: string): EndpointConfig[] {
  const models = Object.entries(checked(storedMapping, mapping, `${where}: mapping`))
  const endpoints = models.flatMap(([name, { targets, aliases, ...rules }]) => {
    const own = targets.map(target => ({ ...target, model: target.model ?? name }))
    return [name, ...aliases].map(called => ({ name: called, active: true, ...rules, targets: own }))
  })
  const twice = endpoints.find(({ name }, index) => endpoints.findIndex(other => other.name === name) !== index)
  if (twice === undefined) return endpoints
  throw invalid(`${where}: mapping has the name ${twice.name} twice: keep one`)
}

const switchable = [
  'policy',
  'expose',
  'attemptsMax',
  'sameProviderRetries',
  'hedge',
  'hedgePercentMax',
  'rules',
] as const

/** What of the section can be written down in a store, to be set while a node runs. */
export function storedRouting(routing: JsonDocument): JsonDocument {
  return Object.fromEntries(switchable.flatMap(name => (name in routing ? [[name, routing[name]]] : [])))
}

/** The section with another document over it. What is fixed while a node runs stays as it is. */
export function routingOf(base: Config['routing'], over: unknown, where: string): Config['routing'] {
  if (over === undefined) return base
  if (typeof over !== 'object' || over === null || Array.isArray(over)) throw invalid(`${where} is not a table`)
  const fixed = Object.keys(over).find(key => !switchable.some(name => name === key))
  if (fixed !== undefined) {
    throw invalid(`${where}.${fixed} cannot be set here; there are ${switchable.join(', ')}`)
  }
  return checked(routingSection, { ...base, ...over }, where)
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = shown(['', ...(issue?.path ?? []).map(String)].join('.'))
  const why = issue === undefined ? 'is not valid' : wordsOf(issue)
  throw invalid(`${where}${path} ${why}`)
}

/** Only names of keys are repeated: a value may be a secret that was put in the wrong place. */
function wordsOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'unrecognized_keys' ? `has the unknown key ${issue.keys[0]}; remove it` : sentence(issue)
}

function invalid(message: string): ParleyError {
  return new ParleyError('config_invalid', message)
}
