import { readFileSync } from 'node:fs'
import { type Config, mailPassword, metricsToken, otlpToken, webhookSecret } from '../config/index.ts'
import { type AlertRow, type EventLog, type Mailer, ParleyError, type Random, type Service } from '../core/index.ts'
import type { TargetState } from '../gateway/index.ts'
import type { MetricsRoute } from '../http/index.ts'
import {
  type AlertSink,
  type Alerts,
  alertRules,
  createAlerts,
  createDeliveries,
  createLogging,
  createMailAlerts,
  createMailer,
  createMetrics,
  createResources,
  createTracing,
  createWebhook,
  type Deliveries,
  type Logging,
  type LogSink,
  type Tracing,
} from '../telemetry/index.ts'
import { createFetchOut } from './fetch-out.ts'
import { version } from './version.ts'

export interface MonitoringOptions {
  readonly config: Config
  readonly log: EventLog
  readonly random: Random
  /** Unix milliseconds. */
  readonly now: () => number
  /** Where lines of the log go. */
  readonly writeLog: (line: string) => void
  /** How those fare that were asked. */
  readonly targets: () => readonly TargetState[]
  /** Names of what can be asked. */
  readonly providerNames: () => readonly string[]
}

/** What watches the node: lines, numbers, alarms and traces, each a projection of the event log. */
export interface Monitoring extends Service {
  readonly metrics: MetricsRoute
  readonly logging: Pick<Logging, 'level' | 'setLevel'>
  /** Undefined when no server for mail is configured. */
  readonly mailer: Mailer | undefined
  readonly alertsFiring: () => readonly AlertRow[]
  /** Keep lines and alerts, for as long as the node runs. */
  readonly keepLines: (sink: LogSink) => void
  readonly keepAlerts: (sink: (alert: AlertRow) => void) => void
  /** The last: what is told while the node stops is still written. */
  readonly close: () => void
}

/** Between two comparisons of what was seen with the rules. */
const evaluateMs = 1_000

/** Everything watches from now on; what costs time of its own begins with the start. */
export async function createMonitoring(options: MonitoringOptions): Promise<Monitoring> {
  const { config, log, random, now, writeLog, targets } = options
  const logging = await createLogging({ ...config.log, write: writeLog, random })
  log.subscribe(logging.watch)
  const mailer = mailerOf(config)
  const watch = config.alerts.enabled ? watchOf(options, mailer) : undefined
  const metrics = createMetrics({
    version,
    providers: targets,
    alertsFiring: () => watch?.alerts.firing().length ?? 0,
    logLinesDropped: logging.dropped,
  })
  log.subscribe(metrics.watch)
  const tracing = await tracingOf(config)
  if (tracing !== undefined) log.subscribe(tracing.watch)
  let timer: NodeJS.Timeout | undefined
  return {
    name: 'monitoring',
    start: async () => {
      if (watch !== undefined) timer = setInterval(() => watch.alerts.evaluate(now()), evaluateMs).unref()
    },
    stop: async () => {
      clearInterval(timer)
      await Promise.all([...(watch?.deliveries.map(({ stop }) => stop()) ?? []), tracing?.stop()])
    },
    metrics: {
      page: metrics.page,
      refused: metrics.refused,
      isOpen: config.telemetry.metricsOpen,
      token: metricsToken(config),
    },
    logging,
    mailer,
    alertsFiring: () => watch?.alerts.firing() ?? [],
    keepLines: logging.addSink,
    keepAlerts: sink => watch?.alerts.onChange(sink),
    close: () => {
      watch?.stop()
      logging.close()
    },
  }
}

interface Watch {
  readonly alerts: Alerts
  readonly deliveries: readonly Deliveries[]
  readonly stop: () => void
}

function watchOf({ config, log, random, providerNames }: MonitoringOptions, mailer: Mailer | undefined): Watch {
  const resources = createResources()
  const alerts = createAlerts({
    rules: alertRules(config.alerts.rules),
    isProvider: service => providerNames().includes(service),
    ...{ resources, random, log },
  })
  log.subscribe(alerts.watch)
  const deliveries = alertSinks(config, mailer).map(sink => createDeliveries({ sink, log }))
  for (const { push } of deliveries) alerts.onChange(push)
  return { alerts, deliveries, stop: resources.stop }
}

function alertSinks(config: Config, mailer: Mailer | undefined): AlertSink[] {
  const { webhookUrl: url, webhookPrivate: allowPrivate, mailTo: to } = config.alerts
  const node = config.node.name
  const sinks: AlertSink[] = []
  if (url !== undefined) {
    sinks.push(createWebhook({ url, secret: webhookSecret(config), node, fetchOut: createFetchOut({ allowPrivate }) }))
  }
  if (to.length === 0) return sinks
  if (mailer === undefined) {
    throw new ParleyError('config_invalid', 'alerts.mailTo names who gets mail, and no server sends it; set mail.host')
  }
  return [...sinks, createMailAlerts({ to, node, mailer })]
}

function mailerOf(config: Config): Mailer | undefined {
  const { host, caFile, ...settings } = config.mail
  if (host === undefined) return undefined
  const ca = caFile === undefined ? undefined : readAuthorities(caFile)
  return createMailer({ ...settings, host, password: mailPassword(config), ca })
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ParleyError('config_invalid', `mail.caFile: ${file} cannot be read; check that it exists and is yours`, {
      cause,
    })
  }
}

async function tracingOf(config: Config): Promise<Tracing | undefined> {
  const { otlpUrl: url, tracePercent: percent } = config.telemetry
  if (url === undefined) return undefined
  const token = otlpToken(config)
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return createTracing({ url, headers, service: config.node.name, version, percent })
}
