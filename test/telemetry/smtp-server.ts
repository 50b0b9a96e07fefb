import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { localhostTls } from '../localhost-tls.ts'

/** A message as it arrived. */
export interface Delivered {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and body. */
  readonly data: string
  readonly isSecure: boolean
  readonly login: string | undefined
}

/** How a server treats its clients. */
export interface SmtpManners {
  readonly starttls?: boolean
  /** Speaks TLS from the first byte. */
  readonly tls?: boolean
  /** The only login it takes, as `user:password`. */
  readonly login?: string
  /** Recipients it refuses. */
  readonly refuses?: RegExp
  /** Says nothing, from this command on. */
  readonly silentAt?: 'greeting' | 'DATA'
}

export interface SmtpServer {
  readonly port: number
  readonly delivered: readonly Delivered[]
  readonly stop: () => Promise<void>
}

/** A mail server that keeps what it is given: enough of RFC 5321, STARTTLS and AUTH PLAIN for a client to send. */
export async function startSmtpServer(manners: SmtpManners = {}): Promise<SmtpServer> {
  const delivered: Delivered[] = []
  const sockets = new Set<Socket>()
  const secureContext = createSecureContext(localhostTls)
  const server = createServer(socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    if (manners.tls !== true) return converse(socket, false)
    converse(new TLSSocket(socket, { isServer: true, secureContext }), true)
  })

  function converse(socket: Socket, isSecure: boolean, isGreeted = false): void {
    let [text, from, data, login] = ['', '', undefined as string | undefined, undefined as string | undefined]
    let to: string[] = []
    const say = (line: string) => void (socket.writable && socket.write(`${line}\r\n`))
    const commands: Record<string, (line: string) => void> = {
      EHLO: () => {
        const can = [manners.starttls && !isSecure && 'STARTTLS', manners.login && 'AUTH PLAIN', 'SMTPUTF8']
        const lines = ['localhost', ...can.filter(one => typeof one === 'string')]
        say(lines.map((line, at) => `250${at === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n'))
      },
      STARTTLS: () => {
        say('220 go on')
        socket.removeAllListeners('data')
        converse(new TLSSocket(socket, { isServer: true, secureContext }), true, true)
      },
      AUTH: line => {
        const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0')
        login = `${user}:${password}`
        say(login === manners.login ? '235 welcome' : '535 5.7.8 not you: the prompt was CANARY')
      },
      MAIL: line => {
        from = /<(.*?)>/.exec(line)?.[1] ?? ''
        say('250 ok')
      },
      RCPT: line => {
        const one = /<(.*?)>/.exec(line)?.[1] ?? ''
        if (manners.refuses?.test(one)) return say('550 5.1.1 nobody here')
        to.push(one)
        say('250 ok')
      },
      DATA: () => {
        if (manners.silentAt === 'DATA') return
        data = ''
        say('354 go on')
      },
      QUIT: () => {
        say('221 bye')
        socket.end()
      },
    }
    const take = (line: string) => {
      if (data === undefined) return (commands[line.split(' ')[0]!.toUpperCase()] ?? (() => say('250 ok')))(line)
      if (line !== '.') return void (data += `${line.replace(/^\./, '')}\n`)
      delivered.push({ from, to, data, isSecure, login })
      ;[data, to] = [undefined, []]
      say('250 kept')
    }
    socket.on('error', () => socket.destroy())
    socket.on('data', piece => {
      text += String(piece)
      for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end)
        text = text.slice(end + 2)
        take(line)
      }
    })
    if (!isGreeted && manners.silentAt !== 'greeting') say('220 localhost')
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
  return { port: (server.address() as AddressInfo).port, delivered, stop }
}
