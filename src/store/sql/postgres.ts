import { PostgresDialect, type PostgresPool } from 'kysely'
import pg from 'pg'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with `?sslmode=` where it is needed. */
  readonly url: string
  readonly connectionsMax?: number
  readonly connectTimeoutMs?: number
  /** After this the server gives a statement up. */
  readonly statementTimeoutMs?: number
}

const idleTimeoutMs = 30_000
/** How much longer the answer of a server may take that has given up a statement, before it counts as gone. */
const graceMs = 2_000
const int8 = 20

export function postgresDialect(options: PostgresOptions): PostgresDialect {
  const { url, connectionsMax = 10, connectTimeoutMs = 5_000, statementTimeoutMs = 10_000 } = options
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + graceMs,
    idle_in_transaction_session_timeout: statementTimeoutMs + graceMs,
    keepAlive: true,
    application_name: 'parley',
    // Compiling a statement takes longer than any of ours runs.
    options: '-c jit=off',
    types: { getTypeParser: parserOf },
  })
  // A connection that breaks while nobody uses it: the next one who needs it gets another.
  pool.on('error', () => undefined)
  return new PostgresDialect({ pool: discarding(pool) })
}

/** Integers come as `bigint` only where a number could not hold them. */
const parserOf = ((type: number, format: 'text') => {
  if (type !== int8) return pg.types.getTypeParser(type, format)
  return (text: string) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text))
}) as typeof pg.types.getTypeParser

/** A connection that broke, or whose answer did not come in time and may still come, is closed instead of lent again. */
function discarding(pool: pg.Pool): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect()
      let isBroken = false
      const breaks = () => {
        isBroken = true
      }
      // While it is lent nobody else listens, and an error nobody listens to ends the process.
      client.on('error', breaks)
      const query = async (text: string, parameters: readonly unknown[]) => {
        try {
          return await client.query(text, [...parameters])
        } catch (cause) {
          if (!(cause instanceof pg.DatabaseError)) breaks()
          throw cause
        }
      }
      const release = (discard?: boolean) => {
        client.release(isBroken || discard === true)
        client.off('error', breaks)
      }
      return { query, release } as unknown as Awaited<ReturnType<PostgresPool['connect']>>
    },
  }
}
