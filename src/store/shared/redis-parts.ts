import type { Random, Shared } from '../../core/index.ts'
import type { RedisLink } from './redis-link.ts'

/** What everything kept in Redis needs: Redis while it answers, and what this node knows itself when it does not. */
export interface RedisParts {
  readonly link: RedisLink
  readonly memory: Shared
  /** Stands before every key. */
  readonly prefix: string
  readonly random: Random
}
