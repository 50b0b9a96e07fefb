import { type KeptThing, type Ownership, ParleyError, type PassageAnswer } from '../core/index.ts'
import { breakOff, type Exchange, sendJson } from './exchange.ts'
import { drained } from './sse-writer.ts'

/** One request for what a server keeps, as far as it has been prepared. */
export interface Trip {
  readonly exchange: Exchange
  readonly ownership: Ownership
  readonly owner: string
  /** Whether the caller reaches what others made. */
  readonly seesAll: boolean
  readonly kind: KeptThing['kind']
  readonly provider: string
  readonly id: string | undefined
  /** Whether it is about something below the id. */
  readonly isPart: boolean
  readonly isNew: boolean
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Without what is for this node alone. */
  readonly query: URLSearchParams
  readonly ask: (query: URLSearchParams) => Promise<PassageAnswer>
  readonly stallMs: number
}

/** Asks the server and writes what it answers, so that ownership follows what is made, listed and deleted. */
export async function answerTrip(trip: Trip): Promise<void> {
  const { isNew, id, isPart, kind, method, seesAll, exchange } = trip
  if (isNew) return made(trip)
  if (id === undefined && method === 'GET' && !seesAll) return listed(trip)
  if (kind === 'job' && !isPart && method === 'GET') return jobShown(trip)
  const isGoing = method === 'DELETE' && !isPart && id !== undefined
  const answer = isGoing ? await deleted(trip, id) : await trip.ask(trip.query)
  await relay(exchange, answer, trip.stallMs)
}

type Fields = Record<string, unknown>

async function made(trip: Trip): Promise<void> {
  const answer = await trip.ask(trip.query)
  const body = await jsonOf(trip, answer)
  if (!isId(body.id))
    throw new ParleyError('backend_failed', `${trip.provider} made something without an id; look there`)
  trip.ownership.add(trip.owner, thing(trip, body.id))
  sendJson(trip.exchange.response, answer.status, body)
}

/** What the server does not know is gone as well. */
async function deleted(trip: Trip, id: string): Promise<PassageAnswer> {
  const forget = () => trip.ownership.remove(thing(trip, id))
  try {
    const answer = await trip.ask(trip.query)
    forget()
    return answer
  } catch (cause) {
    if (cause instanceof ParleyError && cause.passOn?.status === 404) forget()
    throw cause
  }
}

async function jobShown(trip: Trip): Promise<void> {
  const job = await jsonOf(trip, await trip.ask(trip.query))
  if (!trip.seesAll) adoptResults(trip, job)
  sendJson(trip.exchange.response, 200, job)
}

/** The files that came of a job are its owner's. */
function adoptResults({ ownership, owner, provider }: Trip, { result_files: files }: Fields): void {
  if (!Array.isArray(files)) return
  for (const id of files) if (isId(id)) ownership.adopt(owner, { kind: 'file', provider, id })
}

const defaultPage = { file: 10_000, job: 20 }
/** Every server gives as many at once. */
const askedPage = 100
const pagesMax = 50

/**
 * What is the caller's in the server's list. The server's pages hold everybody's things, so it is asked for as many as it
 * takes to fill one of the caller's.
 */
async function listed(trip: Trip): Promise<void> {
  const { kind, query } = trip
  const size = pageSize(query)
  const wanted = size ?? defaultPage[kind]
  const after = query.get('after')
  if (after !== null && !isOwn(trip, after)) {
    throw new ParleyError('not_found', `there is no ${kind} to list after; begin without after`, { param: 'after' })
  }
  const found = new Map<string, Fields>()
  const asked = new URLSearchParams(query)
  if (size !== undefined || kind === 'job') asked.set('limit', String(Math.max(wanted, askedPage)))
  let hasMore = true
  for (let page = 0; hasMore && found.size <= wanted && page < pagesMax; page++) {
    const list = await jsonOf(trip, await trip.ask(asked))
    const entries = Array.isArray(list.data) ? list.data.filter(isThing) : []
    for (const entry of entries) if (isOwn(trip, entry.id)) found.set(entry.id, entry)
    const last = entries.at(-1)?.id
    hasMore = list.has_more === true && last !== undefined && last !== asked.get('after')
    if (last !== undefined) asked.set('after', last)
  }
  const data = [...found.values()].slice(0, wanted)
  if (kind === 'job') for (const job of data) adoptResults(trip, job)
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
  sendJson(trip.exchange.response, 200, { object: 'list', data, ...ends, has_more: hasMore || found.size > wanted })
}

function pageSize(query: URLSearchParams): number | undefined {
  const limit = query.get('limit')
  if (limit === null) return undefined
  if (/^[1-9]\d{0,4}$/.test(limit)) return Math.min(Number(limit), defaultPage.file)
  throw new ParleyError('invalid_request', 'limit is a whole number from 1 to 10000; correct it', { param: 'limit' })
}

function isOwn({ ownership, owner, kind, provider }: Trip, id: string): boolean {
  return ownership.providersOf(owner, kind, id).includes(provider)
}

function thing({ kind, provider }: Trip, id: string): KeptThing {
  return { kind, provider, id }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:-]{1,256}$/.test(value)
}

function isThing(value: unknown): value is Fields & { id: string } {
  return typeof value === 'object' && value !== null && isId((value as Fields).id)
}

const maxJsonBytes = 16 * 1024 * 1024

async function jsonOf({ provider }: Trip, { body }: PassageAnswer): Promise<Fields> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body) {
    size += piece.length
    if (size > maxJsonBytes) {
      throw new ParleyError(
        'backend_failed',
        `${provider} sent more than ${maxJsonBytes} bytes; ask for a smaller page`,
      )
    }
    pieces.push(piece)
  }
  const json = parsed(Buffer.concat(pieces).toString())
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Fields
  throw new ParleyError('backend_failed', `${provider} answered something that is not JSON; look at its url`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function relay({ request, response }: Exchange, answer: PassageAnswer, stallMs: number): Promise<void> {
  response.writeHead(answer.status, headersOf(answer))
  try {
    for await (const piece of answer.body) {
      if (request.method === 'HEAD') break
      if (!response.write(piece)) await drained(response, stallMs)
      if (response.destroyed) return
    }
  } catch (cause) {
    breakOff(response)
    throw cause
  }
  response.end()
}

/** A file may be anything, so nothing of it may run as a page of this node. */
function headersOf({ contentType, contentLength }: PassageAnswer): Record<string, string> {
  return {
    'content-type': contentType,
    'content-security-policy': 'sandbox',
    'cache-control': 'no-store, no-transform',
    ...(contentLength !== undefined && { 'content-length': contentLength }),
  }
}
