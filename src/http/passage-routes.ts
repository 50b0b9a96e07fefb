import {
  type KeptThing,
  type Ownership,
  ParleyError,
  type Passage,
  type PassageRequest,
  type Principal,
  principalName,
} from '../core/index.ts'
import type { Errands } from '../gateway/index.ts'
import type { Exchange, Handler } from './exchange.ts'
import { isOperator, notOf } from './file-references.ts'
import { modelNamedIn, thingsNamedIn } from './job-references.ts'
import { answerTrip, type Trip } from './kept-things.ts'
import { bodyOf } from './passage-body.ts'
import type { Routes } from './routes.ts'

export interface Passages {
  /** The servers that keep files and fine-tuning jobs, in the order of the configuration. */
  readonly all: () => readonly Passage[]
  readonly ownership: Ownership
  /** Counts each transfer among the caller's calls and tells the event log of it. */
  readonly errands: Errands
  /** Whether a caller may use a model; each may use all when missing. */
  readonly mayUse?: (principal: Principal, model: string) => Promise<boolean>
  /** How long a server may take for the head of an answer, and for each further piece of it. */
  readonly headersMs: number
  readonly idleMs: number
}

export interface PassageRoutesOptions {
  /** The way to what servers keep; absent where there is none. */
  readonly passages?: Passages
  /** Milliseconds a reader may take to make room before it is cut off. */
  readonly stallMs: number
  /** Time for a request's body to arrive, where it is read here. */
  readonly bodyTimeoutMs: number
}

const routes = [
  ...['GET /v1/files', 'POST /v1/files', 'GET /v1/files/*', 'DELETE /v1/files/*'],
  ...['GET /v1/fine_tuning/jobs', 'POST /v1/fine_tuning/jobs'],
  ...['GET /v1/fine_tuning/jobs/*', 'POST /v1/fine_tuning/jobs/*', 'DELETE /v1/fine_tuning/jobs/*'],
]
const totalMs = 3_600_000
const runningMax = 32
const runningMaxPerCaller = 8

/**
 * Files and fine-tuning jobs, relayed to the server that keeps them under ids of its own: with its key in place of the
 * caller's, streamed both ways. A caller reaches what it made itself, everything else is not there for it; the operator
 * reaches all. For apps alone.
 */
export function passageRoutes({ passages, ...options }: PassageRoutesOptions): Routes {
  const slots = createSlots()
  const handler: Handler = async exchange => {
    if (passages === undefined) throw noServer()
    const { id, principal, signal, url } = exchange
    const target = targetOf(url)
    await passages.errands({ id, task: target.kind, principal, signal }, () =>
      slots(principalName(principal), () =>
        inTotalTime(exchange, inTime => pass(inTime, target, { ...options, ...passages })),
      ),
    )
  }
  return Object.fromEntries(routes.map(route => [route, handler]))
}

/** Transfers that may run at once: they last longer than calls, and one caller must leave some to others. */
function createSlots(): <T>(caller: string, work: () => Promise<T>) => Promise<T> {
  const running: string[] = []
  return async (caller, work) => {
    const own = running.filter(name => name === caller).length
    if (running.length >= runningMax || own >= runningMaxPerCaller) {
      throw new ParleyError('overloaded', 'too many transfers are running; try again soon', { retryAfterSeconds: 1 })
    }
    running.push(caller)
    try {
      return await work()
    } finally {
      running.splice(running.indexOf(caller), 1)
    }
  }
}

async function inTotalTime<T>(exchange: Exchange, work: (exchange: Exchange) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const tooLong = () => late.abort(new ParleyError('timeout', `the transfer took over ${totalMs} ms; try again`))
  const timer = setTimeout(tooLong, totalMs)
  try {
    return await work({ ...exchange, signal: AbortSignal.any([exchange.signal, late.signal]) })
  } finally {
    clearTimeout(timer)
  }
}

/** What a path is about: all things of a kind, one of them, or something below it. */
interface Target {
  readonly kind: KeptThing['kind']
  readonly id: string | undefined
  /** Whether something follows the id. */
  readonly isPart: boolean
  /** The path below the server's base path, without its query. */
  readonly path: string
}

/** Ids hold nothing that could lead to another path. */
const plainPath = /^\/v1(\/(files|fine_tuning\/jobs)(?:\/([\w.:-]{1,256})((?:\/[\w.:-]{1,256}){0,2}))?)$/

function targetOf({ pathname }: URL): Target {
  const [, path, place, id, rest] = plainPath.exec(pathname) ?? []
  if (path === undefined) throw new ParleyError('not_found', 'the path holds an id that is none; check it')
  return { kind: place === 'files' ? 'file' : 'job', id, isPart: Boolean(rest), path }
}

type PassOptions = Passages & Omit<PassageRoutesOptions, 'passages'>

/** Asks the server and writes its answer. Returns the server's name. */
async function pass(exchange: Exchange, target: Target, options: PassOptions): Promise<string> {
  const { request, response, url, principal, signal } = exchange
  const { ownership, headersMs, idleMs, stallMs } = options
  const owner = principalName(principal)
  const isNew = request.method === 'POST' && target.id === undefined
  if (isNew) ownership.makeRoom(owner)
  const sent = await bodyOf(exchange, isNew && target.kind === 'job', options)
  await refuseModel(sent.json, exchange, options)
  const seesAll = isOperator(principal)
  const needed = seesAll
    ? []
    : [...(target.id === undefined ? [] : [{ ...target, id: target.id }]), ...thingsNamedIn(sent.json)]
  const passage = choose(exchange, options, needed)
  response.setHeader('x-parley-provider', passage.name)
  const method = request.method === 'HEAD' ? 'GET' : (request.method as PassageRequest['method'])
  const trip: Trip = {
    ...{ exchange, ownership, owner, seesAll, stallMs, isNew, ...target, method, provider: passage.name },
    query: queryOf(url),
    ask: query => {
      const path = query.size === 0 ? target.path : `${target.path}?${query}`
      const { headers, body } = sent
      return passage.request({ method, path, headers, headersMs, idleMs, signal, ...(body && { body }) })
    },
  }
  await answerTrip(trip)
  return passage.name
}

/** A model that a caller may not ask is none that it may train. */
async function refuseModel(json: unknown, { principal }: Exchange, { mayUse }: Passages): Promise<void> {
  const model = modelNamedIn(json)
  if (model === undefined || mayUse === undefined || (await mayUse(principal, model))) return
  const message = `this API key may not use the model ${JSON.stringify(model)}; GET /v1/models lists those it may`
  throw new ParleyError('forbidden', message, { param: 'model' })
}

interface Needed extends Pick<KeptThing, 'kind' | 'id'> {
  readonly param?: string
}

/** The server that is named, that keeps what is needed, or the only one there is. */
function choose({ request, url, principal }: Exchange, options: PassOptions, needed: readonly Needed[]): Passage {
  const all = options.all()
  if (all.length === 0) throw noServer()
  const named = request.headers['x-parley-provider'] ?? url.searchParams.get('provider') ?? undefined
  const owner = principalName(principal)
  let possible = all.filter(({ name }) => named === undefined || name === named)
  if (possible.length === 0) throw unnamed(all)
  for (const { kind, id, param = 'id' } of needed) {
    const providers = options.ownership.providersOf(owner, kind, id)
    possible = possible.filter(({ name }) => providers.includes(name))
    if (possible.length === 0) throw notOf(kind, id, param)
  }
  if (possible.length > 1 && named === undefined) throw unnamed(all)
  return possible[0]!
}

function noServer(): ParleyError {
  return new ParleyError('not_found', 'no server keeps files here; add an OpenAI-compatible one to upstreams')
}

function unnamed(all: readonly Passage[]): ParleyError {
  const names = all.map(({ name }) => name).join(', ')
  const message = `name the server that keeps it with ?provider= or x-parley-provider: ${names}`
  return new ParleyError('invalid_request', message, { param: 'provider' })
}

function queryOf(url: URL): URLSearchParams {
  const query = new URLSearchParams(url.searchParams)
  query.delete('provider')
  return query
}
