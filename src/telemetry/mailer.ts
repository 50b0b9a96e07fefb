import type { NodemailerError, SendMailOptions } from 'nodemailer'
import { abortError, type ErrorCode, type Mailer, ParleyError } from '../core/index.ts'

export interface MailerOptions {
  readonly host: string
  readonly port: number
  /** `tls` from the start, `starttls` or no mail at all, or `none` for a relay on this machine. */
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly from: string
  /** For each step of the conversation with the server. */
  readonly timeoutMs: number
  /** Certificate authorities in place of those of the system, in PEM. */
  readonly ca?: string | undefined
}

type Send = (mail: SendMailOptions) => Promise<unknown>

/** Mail by SMTP, one connection for each message: a node sends few. The client is loaded with the first one. */
export function createMailer(options: MailerOptions): Mailer {
  let client: Promise<Send> | undefined
  return {
    send: async ({ to, subject, text }, signal) => {
      if (signal.aborted) throw abortError(signal)
      const send = await (client ??= createClient(options))
      try {
        await send({ to: [...to], subject, text, signal })
      } catch (cause) {
        throw failureOf(cause as NodemailerError, options, signal)
      }
    },
  }
}

async function createClient({
  host,
  port,
  security,
  user,
  password,
  from,
  timeoutMs,
  ca,
}: MailerOptions): Promise<Send> {
  const { createTransport } = await import('nodemailer')
  const transport = createTransport(
    {
      ...{
        host,
        port,
        secure: security === 'tls',
        requireTLS: security === 'starttls',
        ignoreTLS: security === 'none',
      },
      ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
      ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, dnsTimeout: timeoutMs },
      tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
      ...{ disableFileAccess: true, disableUrlAccess: true },
    },
    { from },
  )
  return mail => transport.sendMail(mail)
}

/** What a server says may quote the message, so only its number is told. */
function failureOf(cause: NodemailerError, { host, port }: MailerOptions, signal: AbortSignal): ParleyError {
  if (signal.aborted) return abortError(signal)
  const [code, what, next] = kindOf(cause)
  const number = cause.responseCode === undefined ? '' : ` (${cause.responseCode})`
  return new ParleyError(code, `the mail server ${host}:${port} ${what}${number}; ${next}`, { cause })
}

function kindOf({ code }: NodemailerError): readonly [code: ErrorCode, what: string, next: string] {
  switch (code) {
    case 'ETIMEDOUT':
      return ['timeout', 'took too long', 'try again later']
    case 'EAUTH':
    case 'ENOAUTH':
      return ['backend_refused', 'refused to log in', 'check mail.user and its password']
    case 'EENVELOPE':
    case 'EMESSAGE':
      return ['backend_refused', 'refused the message', 'check mail.from and the recipients']
    case 'ETLS':
      return ['backend_failed', 'offers no TLS that holds', 'check mail.security']
    default:
      return ['backend_failed', `cannot be reached (${code ?? 'no connection'})`, 'check mail.host and mail.port']
  }
}
