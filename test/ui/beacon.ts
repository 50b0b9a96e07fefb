import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Beacon {
  readonly url: string
  /** Who came, by path. */
  readonly visits: string[]
  readonly close: () => Promise<void>
}

/** A server nobody has a reason to visit. */
export async function startBeacon(): Promise<Beacon> {
  const visits: string[] = []
  const server = createServer((request, response) => {
    visits.push(request.url ?? '')
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'image/gif' })
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    visits,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
