import type { Mailer } from '../core/index.ts'
import type { AlertSink } from './deliveries.ts'

export interface MailAlertsOptions {
  readonly to: readonly string[]
  /** The node's own name. */
  readonly node: string
  readonly mailer: Mailer
}

/** Sends alerts as mail. */
export function createMailAlerts({ to, node, mailer }: MailAlertsOptions): AlertSink {
  return {
    name: 'alert mail',
    send: async ({ id, state, rule, subject, message, startedAt, endedAt }, signal) => {
      const about = subject === '' ? rule : `${rule} (${subject})`
      const lines = [
        message,
        '',
        `node: ${node}`,
        `alert: ${id}`,
        `since: ${new Date(startedAt).toISOString()}`,
        ...(endedAt === null ? [] : [`until: ${new Date(endedAt).toISOString()}`]),
      ]
      await mailer.send({ to, subject: `[${node}] ${state}: ${about}`, text: `${lines.join('\n')}\n` }, signal)
    },
  }
}
