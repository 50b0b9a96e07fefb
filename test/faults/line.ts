import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between two nodes and can fail as lines do. */
export interface Line {
  readonly port: number
  /** Breaks every connection there is. */
  readonly tear: () => void
  /** Breaks every connection, and while it is mute new ones are accepted and nothing is ever said on them. */
  readonly mute: (isMute: boolean) => void
  readonly stop: () => Promise<void>
}

export async function openLine(to: number): Promise<Line> {
  const sockets = new Set<Socket>()
  let isMuted = false
  const keep = (socket: Socket, onClose: () => void) => {
    sockets.add(socket)
    socket
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(socket)
        onClose()
      })
  }
  const server = createServer({ noDelay: true }, near => {
    if (isMuted) return keep(near.resume(), () => undefined)
    const far = connect({ port: to, host: '127.0.0.1', noDelay: true })
    for (const [from, into] of [[near, far] as const, [far, near] as const]) {
      keep(from, () => into.destroy())
      from.pipe(into)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const tear = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const stop = async () => {
    tear()
    await new Promise(resolve => server.close(resolve))
  }
  const mute = (wanted: boolean) => {
    isMuted = wanted
    tear()
  }
  return { port: (server.address() as AddressInfo).port, tear, mute, stop }
}
