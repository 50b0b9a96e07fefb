import type { CacheControl } from '../core/index.ts'

/** What the header `cache-control` of a request asks of answers that are kept; undefined where that is nothing. */
export function cacheControlOf(header: string | undefined): CacheControl | undefined {
  if (header === undefined) return undefined
  const directives = header.split(',').map(directive => directive.trim().toLowerCase())
  const isNoStore = directives.includes('no-store')
  const maxAgeMs = directives.includes('no-cache') ? 0 : lowestAge(directives)
  if (!isNoStore && maxAgeMs === undefined) return undefined
  return { isNoStore, ...(maxAgeMs !== undefined && { maxAgeMs }) }
}

/** Seconds, as HTTP has them. */
const maxAge = /^max-age="?(\d{1,9})"?$/

function lowestAge(directives: readonly string[]): number | undefined {
  const ages = directives.flatMap(directive => maxAge.exec(directive)?.[1] ?? [])
  return ages.length === 0 ? undefined : Math.min(...ages.map(Number)) * 1_000
}
