import {
  type Call,
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
    begin: ({ path, principal, account }) => ({
      ...{ path, principal, account },
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
  if (!record.keepsTexts) return { request }
  const { id, timestamp, status, errorCode } = request
  const clean = record.account?.redact == null ? (text: string) => text : redactor(toRedaction(record.account.redact))
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

function rowOf(record: CallRecord, end: ExchangeEnd, options: RecordingOptions): RequestRow {
  const { call, outcome, count, account } = record
  const provider = outcome?.servedBy ?? record.attempts.at(-1)?.provider ?? null
  return {
    id: uuid7(record.startedAt, options.random),
    timestamp: record.startedAt,
    endpoint: record.path,
    providerId: provider === null ? null : (options.providerId(provider) ?? null),
    provider,
    model: call?.body.model ?? '',
    servedModel: outcome?.route?.model ?? null,
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
    attempts: record.attempts.map(attempt => ({ ...attempt, ms: Math.round(attempt.ms) })),
    request: call === undefined ? {} : parametersOf(call),
    response: responseOf(record, outcome),
  }
}

const thousand = 1_000n

/** Of an answer from the cache nothing; null where no price is known. */
function costOf({ call, outcome, cache, account }: CallRecord, { pricing }: RecordingOptions): bigint | null {
  if (call === undefined || outcome === undefined) return null
  if (cache === 'hit') return 0n
  const cost = pricing.known(call as Call, outcome)
  return cost === undefined ? null : (cost * BigInt(account?.priceMultiplier ?? 1_000)) / thousand
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
