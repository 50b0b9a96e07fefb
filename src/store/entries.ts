import type { LogRow, RequestRecord } from '../core/index.ts'

/** A row on its way to the database: one of the two. */
export interface Entry {
  readonly request?: RequestRecord
  readonly log?: LogRow
  /** Roughly what it takes in memory. */
  readonly bytes?: number
}

/** Undefined where a row holds what no text can say. */
export function toText(entries: readonly Entry[]): string | undefined {
  try {
    return JSON.stringify(entries.map(({ request, log }) => ({ request: request && withText(request), log })))
  } catch {
    return undefined
  }
}

export function fromText(text: string): readonly Entry[] {
  const entries: readonly { request?: ReturnType<typeof withText>; log?: LogRow }[] = JSON.parse(text)
  return entries.map(({ request, log }) => ({
    ...(request !== undefined && { request: withAmounts(request) }),
    ...(log !== undefined && { log }),
  }))
}

/** Amounts are the only fields that JSON does not know. */
function withText({ request, ...rest }: RequestRecord) {
  return { ...rest, request: { ...request, cost: asText(request.cost), costUnits: asText(request.costUnits) } }
}

function withAmounts({ request, ...rest }: ReturnType<typeof withText>): RequestRecord {
  return { ...rest, request: { ...request, cost: asAmount(request.cost), costUnits: asAmount(request.costUnits) } }
}

function asText(amount: bigint | null): string | null {
  return amount === null ? null : amount.toString()
}

function asAmount(text: string | null): bigint | null {
  return text === null ? null : BigInt(text)
}
