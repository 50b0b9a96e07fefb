import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands in the way and keeps every byte that passes, in both directions. */
export interface Tap {
  readonly port: number
  readonly connections: () => number
  readonly bytes: () => Buffer
  readonly stop: () => Promise<void>
}

/** Between somebody and a TCP port of this machine. */
export async function tapTcp(targetPort: number): Promise<Tap> {
  const kept: Buffer[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const join = (from: Socket, to: Socket) => {
    sockets.add(from)
    from.on('data', piece => kept.push(piece)).pipe(to)
    from.on('error', () => undefined).on('close', () => to.destroy())
  }
  const server = createServer({ noDelay: true }, near => {
    connections++
    const far = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    join(near, far)
    join(far, near)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
  const { port } = server.address() as AddressInfo
  return { port, connections: () => connections, bytes: () => Buffer.concat(kept), stop }
}

/** In front of a chain's JSON-RPC. */
export async function tapRpc(rpcUrl: string): Promise<Tap> {
  const kept: Buffer[] = []
  let connections = 0
  const server = createHttpServer(async (request, response) => {
    connections++
    const body = Buffer.concat(await request.toArray())
    const answer = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const said = Buffer.from(await answer.arrayBuffer())
    kept.push(Buffer.from(JSON.stringify(request.headers)), body, said)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(said)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  const { port } = server.address() as AddressInfo
  return { port, connections: () => connections, bytes: () => Buffer.concat(kept), stop }
}

/** Whether the bytes hold a word: plain, as hex, as base64 wherever it begins, or in two bytes a character. */
export function holds(bytes: Uint8Array, word: string): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lower = Buffer.from(view.toString('latin1').toLowerCase(), 'latin1')
  const plain = Buffer.from(word)
  const packed = [0, 1, 2].flatMap(shift => {
    const padded = Buffer.concat([Buffer.alloc(shift), plain])
    const whole = padded.subarray(0, padded.length - (padded.length % 3)).toString('base64')
    return [whole.slice(shift === 0 ? 0 : 4)]
  })
  return (
    [word.toLowerCase(), plain.toString('hex')].some(form => lower.includes(form)) ||
    packed.some(form => view.includes(form)) ||
    view.includes(Buffer.from(word, 'utf16le'))
  )
}
