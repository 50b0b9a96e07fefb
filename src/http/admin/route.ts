import type { z } from 'zod'
import { type Actor, type Management, ParleyError, type Role, type Visitor } from '../../core/index.ts'
import type { Exchange } from '../exchange.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** The least role that may ask; everybody where it is `public`. */
export type Access = Role | 'public'

type Fields = z.ZodObject
type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined
/** What a handler hands over: the schema turns it into what is sent, and leaves out what it does not name. */
type Handed<S> = S extends z.ZodType ? Promise<z.input<S>> : Promise<void>

/** What a handler is asked. */
export interface Asked<Q, B> {
  readonly params: Readonly<Record<string, string>>
  readonly query: Q
  readonly body: B
  /** Undefined for who did not say; only where the route is public. */
  readonly actor: Actor | undefined
  readonly visitor: Visitor
  readonly exchange: Exchange
  readonly signal: AbortSignal
  /** Takes memory for an answer until it is sent. Throws `overloaded` where there is none, or none for this caller. */
  readonly hold: (bytes: number) => void
}

/** One way to ask the management of a node. Router, checks, documentation and the table of roles are made of these. */
export interface AdminRoute {
  readonly method: Method
  /** Below `/api`, like `/providers/:id`. */
  readonly path: string
  readonly access: Access
  /** Whether an API key may ask, in the role `user`, about itself. */
  readonly takesKeys: boolean
  readonly summary: string
  readonly group: string
  /** What an id in the path looks like, where that is no UUID. */
  readonly params: Readonly<Record<string, z.ZodType<string>>>
  readonly query: Fields | undefined
  readonly body: z.ZodType | undefined
  /** What it takes in place of JSON: a form with files, which `handle` reads. */
  readonly form: z.ZodType | undefined
  readonly bodyMaxBytes: number
  readonly answer: z.ZodType | undefined
  readonly status: 200 | 201 | 202 | 204
  /** Whether that it was asked is on record. */
  readonly isTold: boolean
  /** The media type of what it sends itself; then `handle` writes the response. */
  readonly sends: string | undefined
  readonly handle: (asked: Asked<unknown, unknown>, management: Management) => Promise<unknown>
}

interface Wish<Q, B, A> {
  readonly access: Access
  readonly takesKeys?: boolean
  readonly summary: string
  readonly params?: Readonly<Record<string, z.ZodType<string>>>
  readonly query?: Q
  readonly body?: B
  readonly form?: z.ZodType
  readonly bodyMaxBytes?: number
  readonly answer?: A
  readonly status?: 200 | 201 | 202 | 204
  /** False where nothing is changed; what only reads is not told anyway. */
  readonly isTold?: boolean
  readonly sends?: string
}

export const bodyMaxBytes = 1 << 20

/** A route whose handler is checked against its schemas. */
export type Declare = <
  Q extends Fields | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
  A extends z.ZodType | undefined = undefined,
>(
  name: `${Method} /${string}`,
  wish: Wish<Q, B, A>,
  handle: (asked: Asked<Parsed<Q>, Parsed<B>>, management: Management) => Handed<A>,
) => AdminRoute

/** Who asks on a route that is not public. */
export function known(actor: Actor | undefined): Actor {
  if (actor !== undefined) return actor
  throw new ParleyError('unauthorized', 'log in first')
}

/** Declares the routes of one group. */
export function declareIn(group: string): Declare {
  return (name, wish, handle) => {
    const [method, path] = name.split(' ') as [Method, string]
    const { access, summary, query, body, form, answer, sends } = wish
    return {
      ...{ method, path, access, summary, group, query, body, form, answer, sends },
      takesKeys: wish.takesKeys ?? false,
      params: wish.params ?? {},
      bodyMaxBytes: wish.bodyMaxBytes ?? bodyMaxBytes,
      isTold: wish.isTold ?? method !== 'GET',
      status: wish.status ?? (answer === undefined && sends === undefined ? 204 : 200),
      handle: handle as AdminRoute['handle'],
    }
  }
}
