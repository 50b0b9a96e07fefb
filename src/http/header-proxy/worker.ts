import { type ProxyFetchInit, rulesFrom } from './env.ts'
import { handle } from './handle.ts'
import { createLimiter } from './limiter.ts'

const limiter = createLimiter()

/** For runtimes that take a module with a `fetch`. They have no way into a private network, and no way to look up names. */
const worker = {
  fetch: (request: Request, variables: Readonly<Record<string, unknown>>): Promise<Response> =>
    handle(request, {
      ...rulesFrom(variables),
      limiter,
      client: request.headers.get('cf-connecting-ip') ?? undefined,
      fetch: (url, init) => fetch(url, { ...init, body: bodyOf(init) } as RequestInit),
      log: line => console.log(JSON.stringify(line)),
    }),
}

/** Where a stream can have a length, it is sent with it. */
function bodyOf({ body, bodyBytes }: ProxyFetchInit): ReadableStream<Uint8Array> | null {
  type Fixed = new (bytes: number) => TransformStream<Uint8Array, Uint8Array>
  const { FixedLengthStream } = globalThis as { readonly FixedLengthStream?: Fixed }
  if (body === null || bodyBytes === undefined || FixedLengthStream === undefined) return body
  return body.pipeThrough(new FixedLengthStream(bodyBytes))
}

// biome-ignore lint/style/noDefaultExport: the runtime takes the module's default
export default worker
