import type { AlertRow, AlertStore } from '../core/index.ts'
import type { Memory } from './memory.ts'
import type { Monitoring } from './monitoring.ts'

/** Lines of the log and alerts stay in the store. What is told of each call is in its row already. */
export function keepNews(monitoring: Monitoring, { store, writer }: Memory): void {
  monitoring.keepLines(row => {
    if (row.requestId === null || row.level === 'error') writer.putLog(row)
  })
  monitoring.keepAlerts(alert => void keepAlert(store.alerts, alert).catch(() => undefined))
}

async function keepAlert(alerts: AlertStore, { state, endedAt: _endedAt, ...alert }: AlertRow): Promise<void> {
  if (state === 'firing') await alerts.create(alert)
  else await alerts.resolve(alert.id, alert.value)
}
