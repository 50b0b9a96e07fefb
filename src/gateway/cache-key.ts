import type { Call, CallTask, Context, KeyRow, Principal } from '../core/index.ts'
import { principalName } from '../core/index.ts'
import { contentOf, digestOf, lastingHeaders } from './call-key.ts'

/** `own`: of its own calls; `shared`: also of those of other keys of its project that share; `off`: no cache at all. */
export type CacheScope = Exclude<KeyRow['cache'], 'default'>

/** Whose answers a caller may get. Callers of different pools never get each other's; undefined: it has no cache. */
export function cachePool(
  principal: Principal,
  key: Pick<KeyRow, 'project' | 'cache'> | undefined,
  otherwise: CacheScope,
): string | undefined {
  if (principal.kind === 'peer') return undefined
  const scope = key === undefined || key.cache === 'default' ? otherwise : key.cache
  if (scope === 'off') return undefined
  if (scope === 'own') return `own:${principalName(principal)}`
  return key?.project == null ? 'shared' : `shared:${key.project}`
}

/**
 * What is asked again in the same words, and answered by a text or numbers. Pictures are left out, as their addresses
 * expire and who asks twice wants another one; so are uploads, whose bytes would have to be hashed for every call.
 */
const keptTasks: ReadonlySet<CallTask> = new Set([
  'chat',
  'completion',
  'embedding',
  'moderation',
  'rerank',
  'speech',
] satisfies Call['task'][])

/** Of these tasks every answer to a request says the same. */
const sameTasks: ReadonlySet<CallTask> = new Set(['embedding', 'moderation', 'rerank'] satisfies Call['task'][])

const modelNameMax = 256

/** Whether answers to a call may be kept. What is to be stored by its server must reach it. */
export function isKept(call: Call, nonDeterministic: boolean): boolean {
  const { model, store } = call.body as Readonly<Record<string, unknown>>
  if (!keptTasks.has(call.task) || store === true || String(model).length > modelNameMax) return false
  return nonDeterministic || isSame(call)
}

function isSame({ task, body }: Call): boolean {
  if (sameTasks.has(task)) return true
  const { temperature, seed } = body as Readonly<Record<string, unknown>>
  return temperature === 0 || seed != null
}

/** Notes of the app about its call, none of which a model gets to see. */
const notes = ['metadata', 'prompt_cache_key', 'prompt_cache_retention']

/**
 * The same for two calls exactly when the answer to one is an answer to the other: everything of the request counts but how
 * the answer is shown, what it may cost, and notes. `ground` is what decides beside the request who answers it.
 */
export function cacheKey(call: Call, { headers, wishes }: Context, pool: string, ground: unknown): string {
  const content = Object.entries(contentOf(call)).filter(([name]) => !notes.includes(name))
  return digestOf([pool, lastingHeaders(headers), wishes, ground, call.task, Object.fromEntries(content)])
}

/** By these words kept answers are forgotten: all of them, those a caller's calls left, those of a model. */
export const cacheTags = {
  all: 'answers',
  caller: (principal: Principal) => `caller:${principalName(principal)}`,
  model: (model: string) => `model:${model}`,
}
