import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Post {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A server that keeps what is posted to it: a webhook, a collector. */
export interface Posts {
  readonly url: string
  readonly port: number
  readonly posts: readonly Post[]
  /** Answers with this from now on; undefined answers nothing at all. */
  readonly answer: (status: number | undefined) => void
  readonly stop: () => Promise<void>
}

export async function takePosts(port = 0): Promise<Posts> {
  const posts: Post[] = []
  let status: number | undefined = 200
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray().catch(() => [])).toString()
    posts.push({ path: request.url ?? '', headers: request.headers, text })
    if (status !== undefined) response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const at = (server.address() as AddressInfo).port
  const stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return {
    url: `http://127.0.0.1:${at}`,
    port: at,
    posts,
    answer: wanted => {
      status = wanted
    },
    stop,
  }
}
