import { z } from 'zod'
import { type Listing, logLevels, type Page, roles } from '../../core/index.ts'

/** What the routes have in common. An answer's schema turns what a handler hands over into what is sent. */

export const Id = z.uuid()
/** Keys of older nodes have ids of their own form. */
export const KeyId = z.string().regex(/^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|key-[0-9a-f]{16})$/i, {
  error: 'is no id of a key',
})

const limitMax = 200
const defaultLimit = 20

/** A limit above the largest is the largest. */
export const pageFields = {
  page: z.coerce.number().int().min(1).max(1_000_000_000).default(1).describe('Counts from 1.'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .transform(limit => Math.min(limit, limitMax))
    .default(defaultLimit)
    .describe(`Entries of a page; ${limitMax} at most.`),
}

/** One page of a list. */
export function listOf<T extends z.ZodType>(entry: T) {
  return z.object({
    data: z.array(entry),
    total: z.int().describe('How many there are in all, whatever the page.'),
    hasMore: z.literal(true).optional().describe('There are more than `total`: counting stopped there.'),
    page: z.int(),
    limit: z.int(),
  })
}

export function pageOf<T>({ rows, total, hasMore }: Listing<T>, { page, limit }: Page) {
  return { data: [...rows], total, page, limit, ...(hasMore !== undefined && { hasMore }) }
}

/** Unix milliseconds, sent as a time of UTC. */
export const Time = z
  .number()
  .transform(ms => new Date(ms).toISOString())
  .pipe(z.iso.datetime())

/** Databases write years with four digits. */
const lastMs = Date.UTC(9999, 11, 31)

/** A moment in a query: with its zone, a day of UTC, or Unix milliseconds. */
export const Moment = z
  .union(
    [
      z.iso.datetime({ offset: true }).transform(text => Date.parse(text)),
      z.iso.date().transform(text => Date.parse(text)),
      z
        .string()
        .regex(/^\d{1,15}$/)
        .transform(Number),
    ],
    { error: 'is no time: write 2026-03-14T12:00:00Z, 2026-03-14 or Unix milliseconds' },
  )
  .refine(ms => ms >= 0 && ms <= lastMs, { error: 'is no time between 1970 and 9999' })
  .describe('A time with its zone, a day of UTC, or Unix milliseconds.')

export const rangeFields = {
  from: Moment.optional().describe('From this moment on, itself included.'),
  to: Moment.optional().describe('Up to this moment, itself not included.'),
}

const millionths = 1_000_000n

/** Millionths of a dollar, sent as dollars with six digits. */
export const Dollars = z
  .bigint()
  .transform(amount => `${amount / millionths}.${String(amount % millionths).padStart(6, '0')}`)
  .pipe(z.string().regex(/^\d+\.\d{6}$/))

/** Dollars as people write them, read as millionths. */
export const DollarsIn = z
  .string()
  .regex(/^\d{1,9}(?:\.\d{1,6})?$/, { error: 'is an amount in dollars, like "12.50"' })
  .transform(text => {
    const [whole = '', fraction = ''] = text.split('.')
    return BigInt(whole) * millionths + BigInt(fraction.padEnd(6, '0'))
  })

/** An amount of the escrow's token in its smallest unit. */
export const Units = z.bigint().transform(String).pipe(z.string().regex(/^\d+$/))
export const UnitsIn = z
  .string()
  .regex(/^\d{1,38}$/, { error: 'is a whole number of smallest units, in quotes' })
  .transform(BigInt)

/** A JSON object of any shape. */
export const Json = z.record(z.string(), z.unknown())

export const RoleName = z.enum(roles)
export const LevelName = z.enum(logLevels)

/** A name on one line. */
export const Name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^\P{Cc}*$/u, { error: 'holds a control character' })

/** True and false in a query. */
export const Flag = z.enum(['true', 'false']).transform(text => text === 'true')

/** The fields that are given: an optional one that is missing is not there at all. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
