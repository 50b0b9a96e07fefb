import {
  type CallRecord,
  type Clock,
  type ExchangeEnd,
  type JsonDocument,
  type Outcome,
  type Random,
  type Recorder,
  type RecordSink,
  type RequestRecord,
  type RequestRow,
  uuid7,
} from '../core/index.ts'
import { type PricedOutcome, unitsBegun } from '../gateway/index.ts'
import { usageOf } from '../openai/index.ts'
import type { DollarPricing } from './pricing.ts'
import { redactor, toRedaction } from './redaction.ts'
import { parametersOf } from './request-parameters.ts'

export interface RecordingOptions {
  readonly sink: Pick<RecordSink, 'putRequest'>
  readonly pricing: Pick<DollarPricing, 'known'>
  /** The id of a provider that is kept in the store. */
  readonly providerId: (name: string) => string | undefined
  /** Whether texts of callers without a key of their own are kept. */
  readonly keepsTexts: boolean
  readonly clock: Clock
  readonly random: Random
}

/** Requests of apps as rows, and their texts where those are to be kept. */
export function createRecorder(options: RecordingOptions): Recorder {
  const { sink, clock } = options
  return {
    begin: ({ id, name, path, principal, account }) => ({
      ...{ id, name, path, principal, account },
      startedAt: clock.now(),
      keepsTexts: account?.keepsTexts ?? options.keepsTexts,
      cache: 'off',
      attempts: [],
    }),
    end: (record, end) => sink.putRequest(recordOf(record, end, options)),
  }
}

function recordOf(record: CallRecord, end: ExchangeEnd, options: RecordingOptions): RequestRecord {
  const request = rowOf(record, end, options)
  const clean = record.keepsTexts ? cleanerOf(record) : undefined
  if (clean === undefined) return { request }
  const { id, timestamp, status, errorCode } = request
  return {
    request,
    archive: {
      input: { id, content: clean(record.input ?? ''), timestamp },
      response: {
        id: uuid7(options.clock.now(), options.random),
        inputId: id,
        content: clean(record.output ?? ''),
        status,
        isPartial: !end.isWhole || record.isCut === true,
        errorCode,
        timestamp: Math.max(timestamp, timestamp + Math.round(end.totalMs)),
      },
    },
  }
}

/** What is taken out of texts; undefined where that cannot be known, so that none are kept. */
function cleanerOf({ account }: CallRecord): ((text: string) => string) | undefined {
  if (account?.redact == null) return text => text
  try {
    return redactor(toRedaction(account.redact))
  } catch {
    return undefined
  }
}

function rowOf(record: CallRecord, end: ExchangeEnd, options: RecordingOptions): RequestRow {
  const { call, outcome, count, account } = record
  const route = outcome?.route ?? record.route
  const provider = outcome?.servedBy ?? route?.servedBy ?? record.attempts.at(-1)?.provider ?? null
  return {
    id: record.id,
    timestamp: record.startedAt,
    endpoint: record.path,
    providerId: provider === null ? null : (options.providerId(provider) ?? null),
    provider,
    model: call?.body.model ?? '',
    servedModel: route?.model ?? null,
    status: end.status,
    errorCode: record.errorCode ?? (end.isWhole ? null : 'cancelled'),
    responseTime: Math.round(end.totalMs),
    firstChunkMs: count?.firstChunkMs === undefined ? null : Math.round(count.firstChunkMs),
    tokensInput: count?.tokensIn ?? 0,
    tokensOutput: count?.tokensOut ?? 0,
    cost: costOf(record, options),
    costUnits: outcome?.cost ?? null,
    keyId: account?.keyId ?? null,
    userId: account?.userId ?? null,
    project: account?.project ?? null,
    cache: record.cache,
    isStream: call !== undefined && 'stream' in call.body && call.body.stream === true,
    isPartial: !end.isWhole && (count?.firstChunkMs !== undefined || record.output !== undefined),
    attempts: attemptsOf(record, end),
    request: { ...(call && parametersOf(call)), ...(record.name !== undefined && { requestId: record.name }) },
    response: responseOf(record, outcome),
  }
}

/** Those that failed, then the one that answered, for what is left of the time. */
function attemptsOf({ attempts, call, outcome, cache }: CallRecord, { totalMs }: ExchangeEnd): JsonDocument[] {
  const failed = attempts.map(attempt => ({ ...attempt, ms: Math.round(attempt.ms) }))
  if (outcome === undefined || cache === 'hit') return failed
  const ms = Math.max(0, Math.round(attempts.reduce((left, attempt) => left - attempt.ms, totalMs)))
  return [...failed, { provider: outcome.servedBy, model: outcome.route?.model ?? call?.body.model, code: 'ok', ms }]
}

const thousand = 1_000n

/** Of an answer from the cache nothing; null where no price is known. */
function costOf(record: CallRecord, { pricing }: RecordingOptions): bigint | null {
  const { call, cache, account } = record
  const end = record.outcome ?? soFar(record)
  if (call === undefined || end === undefined) return null
  if (cache === 'hit') return 0n
  const cost = pricing.known(call, end)
  return cost === undefined ? null : (cost * BigInt(account?.priceMultiplier ?? 1_000)) / thousand
}

/** An answer that broke off, as far as it had come; undefined where nothing had. */
function soFar({ call, count, route }: CallRecord): PricedOutcome | undefined {
  if (call === undefined || route === undefined || count?.firstChunkMs === undefined) return undefined
  return { usage: usageOf(count.tokensIn, count.tokensOut), servedBy: route.servedBy, route, ...unitsBegun(call) }
}

/** How it was answered, without a word of it. */
function responseOf({ count, isCut }: CallRecord, outcome: Outcome | undefined): JsonDocument {
  return {
    ...(outcome !== undefined && { usage: outcome.usage, finishReason: outcome.finishReason ?? null }),
    ...(outcome?.units !== undefined && { units: outcome.units }),
    ...(count?.overheadMs !== undefined && { overheadMs: Math.round(count.overheadMs * 100) / 100 }),
    ...(count?.isEstimated && { isEstimated: true }),
    ...(isCut && { isCut: true }),
  }
}
