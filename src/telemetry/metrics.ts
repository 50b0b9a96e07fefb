import type { Registry } from 'prom-client'
import type { ErrorCode, LoggedEvent } from '../core/index.ts'
import { CallCounts } from './call-counts.ts'
import {
  callFamilies,
  droppedFamily,
  type Family,
  type MoneyCounts,
  nodeFamilies,
  refusalFamily,
  type Sightings,
  sightedFamilies,
} from './metric-families.ts'

/** The event log as numbers for Prometheus: whoever scrapes sees every call counted once, and no caller's name. */
export interface Metrics {
  readonly watch: (event: LoggedEvent) => void
  /** Counts a request over HTTP that gets an error in place of an answer. */
  readonly refused: (code: ErrorCode) => void
  /** The page a scraper reads, and its media type. */
  readonly page: () => Promise<MetricsPage>
}

export interface MetricsPage {
  readonly type: string
  readonly text: string
}

/** Between two looks at how late the event loop is. */
const delayLookMs = 50

/** Counts are kept in plain numbers; the registry that prints them is loaded when somebody asks for the first time. */
export function createMetrics(sightings: Sightings): Metrics {
  const calls = new CallCounts()
  const events = new Map<LoggedEvent['type'], number>()
  const refusals = new Map<ErrorCode, number>()
  const dropped = { full: 0, refused: 0 }
  const money: MoneyCounts = { taken: 0n, issued: 0n, claimed: 0n }
  const families = () => [
    ...callFamilies(calls),
    refusalFamily(refusals),
    droppedFamily(dropped),
    ...nodeFamilies(events, money),
    ...sightedFamilies(sightings),
  ]
  let registry: Promise<Registry> | undefined
  return {
    watch: event => {
      events.set(event.type, (events.get(event.type) ?? 0) + 1)
      calls.watch(event)
      if (event.type === 'rows.dropped') dropped[event.why] += event.count
      else if (event.type === 'receipt.taken') money.taken += event.charge
      else if (event.type === 'receipt.issued') money.issued += event.charge
      else if (event.type === 'claim.sent') money.claimed += event.amount
    },
    refused: code => void refusals.set(code, (refusals.get(code) ?? 0) + 1),
    page: async () => {
      const printer = await (registry ??= createRegistry(families))
      return { type: printer.contentType, text: await printer.metrics() }
    },
  }
}

/** A registry of our own: the global one of prom-client would mix the nodes of one process. */
async function createRegistry(families: () => Family[]): Promise<Registry> {
  const { default: client } = await import('prom-client')
  const registry = new client.Registry()
  client.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: delayLookMs })
  let seen: ReadonlyMap<string, Family> = new Map()
  families().forEach(({ name, help, type }, at) => {
    const get = async () => {
      // All families of one page are of one moment.
      if (at === 0) seen = new Map(families().map(family => [family.name, family]))
      return seen.get(name)
    }
    registry.registerMetric({ name, help, type, get } as never)
  })
  return registry
}
