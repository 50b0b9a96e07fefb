/** A message in plain text. Whatever addresses and subject hold, it cannot become a header of its own. */
export interface Mail {
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}

/**
 * Hands mail to a server. Throws `backend_failed` when it cannot be reached or broke off, `backend_refused` when it refused
 * this node, a recipient or the message, `timeout` when it took too long, `cancelled` when the signal was aborted.
 */
export interface Mailer {
  send: (mail: Mail, signal: AbortSignal) => Promise<void>
}
