import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

/** The least a gateway in Node can do: headers and bytes, both ways. */
function serve(upstream: URL) {
  return createServer((incoming, outgoing) => {
    const { hostname, port } = upstream
    const { method, url, headers } = incoming
    const onward = request({ agent, hostname, port, method, path: url, headers }, answer => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
}

process.on('disconnect', () => process.exit())
process.once('message', message => {
  const server = serve(new URL((message as { upstream: string }).upstream))
  server.listen(0, '127.0.0.1', () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
})
