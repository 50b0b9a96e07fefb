/**
 * What the gateway remembers, one row per thing. Times are Unix milliseconds, ids are UUIDs unless said, `null` is what
 * is not known or not set. Dollars are whole millionths (`bigint`); amounts of the escrow's token are `bigint` in its
 * smallest unit.
 */

/** A JSON object whose shape somebody else checks. */
export type JsonDocument = Readonly<Record<string, unknown>>

export const providerTypes = ['peer', 'local', 'api', 'web'] as const
export type ProviderType = (typeof providerTypes)[number]

export interface ProviderRow {
  readonly id: string
  /** Unique among those that are not deleted. */
  readonly name: string
  readonly type: ProviderType
  /** The kind of service, like `openai-compatible` or `anthropic`. */
  readonly provider: string
  readonly config: JsonDocument
  /** Sealed text, never a plain key. */
  readonly secret: string | null
  /** At most the last four characters of the secret, to tell keys apart. */
  readonly secretTail: string | null
  readonly status: 'active' | 'disabled'
  readonly createdAt: number
  readonly updatedAt: number
  /** A deleted provider stays, because requests name it. */
  readonly deletedAt: number | null
}

export interface EndpointRow {
  readonly id: string
  /** Unique, like `/v1/chat/completions`. */
  readonly path: string
  readonly isActive: boolean
  /** Public model name → `{ targets: [{ provider, model?, weight, priority }], aliases: [] }`. */
  readonly mapping: JsonDocument
  readonly updatedAt: number
}

/** A saved configuration; at most one is active. */
export interface ConfigurationRow {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly document: JsonDocument
  readonly isActive: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

export type CacheUse = 'hit' | 'miss' | 'off'

/** One call, without a word of its prompt or its answer. */
export interface RequestRow {
  /** A UUID v7 of this node, not what an app chose: a second row of the same id is taken for the first one again. */
  readonly id: string
  readonly timestamp: number
  /** The path, like `/v1/chat/completions`. */
  readonly endpoint: string
  readonly providerId: string | null
  /** Its name at that time; null when nobody was asked. */
  readonly provider: string | null
  readonly model: string
  readonly servedModel: string | null
  /** The HTTP status the caller got. */
  readonly status: number
  readonly errorCode: string | null
  /** Milliseconds to the end and to the first chunk. */
  readonly responseTime: number
  readonly firstChunkMs: number | null
  readonly tokensInput: number
  readonly tokensOutput: number
  /** Millionths of a dollar; null where no price is known. */
  readonly cost: bigint | null
  /** Smallest units of the escrow's token; null unless a peer was paid. */
  readonly costUnits: bigint | null
  readonly keyId: string | null
  readonly userId: string | null
  readonly project: string | null
  readonly cache: CacheUse
  readonly isStream: boolean
  readonly isPartial: boolean
  /** Who was asked in turn: provider, status, milliseconds. */
  readonly attempts: readonly JsonDocument[]
  /** Parameters of the request without its words. */
  readonly request: JsonDocument
  /** Finish reason, usage, units; no words. */
  readonly response: JsonDocument
}

/** What was asked, word for word. */
export interface InputRow {
  /** The id of the request. */
  readonly id: string
  readonly content: string
  readonly timestamp: number
}

/** What was answered: exactly what the caller got. A call that failed or was left has one too. */
export interface ResponseRow {
  readonly id: string
  readonly inputId: string
  /** Of a stream the assistant's text. */
  readonly content: string
  readonly status: number
  readonly isPartial: boolean
  readonly errorCode: string | null
  readonly timestamp: number
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogRow {
  readonly id: string
  readonly timestamp: number
  readonly level: LogLevel
  readonly component: string
  readonly message: string
  readonly requestId: string | null
  readonly fields: JsonDocument
}

export const roles = ['user', 'viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

export interface UserRow {
  readonly id: string
  /** Unique, in lower case. */
  readonly email: string
  readonly name: string
  readonly role: Role
  /** Null until an invited user has chosen a password. */
  readonly passwordHash: string | null
  /** Sealed text. */
  readonly totpSecret: string | null
  readonly isTotpConfirmed: boolean
  readonly status: 'active' | 'disabled' | 'invited'
  /** Thousandths: 1000 pays what is listed. */
  readonly priceMultiplier: number
  readonly createdAt: number
  readonly lastLoginAt: number | null
}

/** One refresh token. A rotation makes a new row of the same family; one used twice gives its family away. */
export interface SessionRow {
  readonly id: string
  /** Null where whoever runs the node opened it, by a page code. */
  readonly userId: string | null
  /** All tokens that came from one login. */
  readonly family: string
  /** SHA-256 in hex, unique. */
  readonly refreshHash: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly rotatedAt: number | null
  readonly revokedAt: number | null
  readonly userAgent: string
}

export interface KeyRow {
  /** A UUID, or `key-` and 16 hexadecimal digits. */
  readonly id: string
  /** SHA-256 of the secret in hex, unique. */
  readonly hash: string
  readonly name: string
  /** The last four characters of the secret. */
  readonly tail: string
  readonly project: string | null
  readonly userId: string | null
  /** Null means every model. */
  readonly models: readonly string[] | null
  /** Requests and tokens per minute, and calls at once; null means no limit of its own. */
  readonly rpm: number | null
  readonly tpm: number | null
  readonly parallel: number | null
  /** The most one call may cost, and all calls of a day, in smallest units of the escrow's token. */
  readonly maxPrice: bigint | null
  readonly maxPerDay: bigint | null
  readonly budgetId: string | null
  /** Prompt and parameters that calls of this key get. */
  readonly preset: JsonDocument | null
  readonly archive: 'on' | 'off' | 'default'
  readonly redact: JsonDocument | null
  readonly cache: 'own' | 'shared' | 'off' | 'default'
  readonly expiresAt: number | null
  /** The id of the key that takes its place. */
  readonly replacedBy: string | null
  readonly createdAt: number
  readonly revokedAt: number | null
  readonly lastUsedAt: number | null
}

export const budgetWindows = ['hour', 'day', 'week', 'month', 'total'] as const
export type BudgetWindow = (typeof budgetWindows)[number]
export type BudgetScope = 'key' | 'project' | 'user' | 'node'

export interface BudgetRow {
  readonly id: string
  readonly scope: BudgetScope
  /** The key, project or user it is for; empty for the node. */
  readonly scopeId: string
  /** Millionths of a dollar, like `spent`. */
  readonly amount: bigint
  /** In the window that is running. */
  readonly spent: bigint
  /** Hours, days, weeks (from Monday) and months of UTC. */
  readonly window: BudgetWindow
  readonly windowStart: number
  /** Whether calls are refused once it is spent; a soft one only warns. */
  readonly isHard: boolean
  readonly createdAt: number
}

export interface AlertRow {
  readonly id: string
  readonly rule: string
  /** What it is about, like a provider's name. */
  readonly subject: string
  readonly state: 'firing' | 'resolved'
  readonly value: number
  readonly threshold: number
  readonly startedAt: number
  readonly endedAt: number | null
  readonly message: string
}
