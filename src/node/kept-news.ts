import type { AlertRow, AlertStore } from '../core/index.ts'
import type { Memory } from './memory.ts'
import type { Monitoring } from './monitoring.ts'

export interface KeptNewsOptions {
  readonly monitoring: Pick<Monitoring, 'keepLines' | 'keepAlerts'>
  readonly memory: Pick<Memory, 'store' | 'writer' | 'isAlone'>
}

const pageRows = 1_000

/**
 * Lines of the log and alerts stay in the store. What is told of each call is in its row already. Returns what ends it:
 * nobody is left to say when an alert of a node that stops is over.
 */
export async function keepNews({ monitoring, memory }: KeptNewsOptions): Promise<() => Promise<void>> {
  const { store, writer, isAlone } = memory
  const { alerts } = store
  // Else another node may have raised them, and still see to them.
  if (isAlone) await endAll(alerts, (await alerts.list({ state: 'firing' }, { page: 1, limit: pageRows })).rows)
  monitoring.keepLines(row => {
    if (row.requestId === null || row.level === 'error') writer.putLog(row)
  })
  const firing = new Map<string, AlertRow>()
  let last: Promise<unknown> = Promise.resolve()
  monitoring.keepAlerts(alert => {
    if (alert.state === 'firing') firing.set(alert.id, alert)
    else firing.delete(alert.id)
    last = last.then(() => keepAlert(alerts, alert)).catch(() => undefined)
  })
  return async () => {
    await last
    await endAll(alerts, [...firing.values()])
  }
}

async function keepAlert(alerts: AlertStore, { state, endedAt: _endedAt, ...alert }: AlertRow): Promise<void> {
  if (state === 'firing') await alerts.create(alert)
  else await alerts.resolve(alert.id, alert.value)
}

async function endAll(alerts: AlertStore, rows: readonly AlertRow[]): Promise<void> {
  for (const { id, value } of rows) await alerts.resolve(id, value).catch(() => undefined)
}
