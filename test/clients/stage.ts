import { createConfig, resolvePaths } from '../../src/config/index.ts'
import { createHome, startNode } from '../node/stage.ts'
import { misfits } from '../schemas.ts'
import { type Service, startService } from './service.ts'

/** A node in front of a scripted service, and a `fetch` that keeps what clients got from it. */
export interface Stage {
  /** Base URL, `/v1` included. */
  readonly baseURL: string
  readonly apiKey: string
  readonly fetch: typeof fetch
  readonly service: Service
  /** What clients got since the last call and does not fit OpenAI's schemas. Throws when they got nothing at all. */
  misfits: () => Promise<string[]>
  stop: () => Promise<void>
}

export async function openStage({ nano = false } = {}): Promise<Stage> {
  const service = await startService()
  const home = createHome()
  const config = createConfig(
    { http: { port: 0 }, models: { nano }, upstreams: [{ name: 'service', url: service.url }] },
    resolvePaths({ PARLEY_HOME: home.path }),
  )
  const node = await startNode(config)
  const recorder = createRecorder()
  return {
    baseURL: node.url,
    apiKey: node.firstKey!,
    service,
    ...recorder,
    stop: async () => {
      await node.stop()
      await service.stop()
      home.remove()
    },
  }
}

function createRecorder(): Pick<Stage, 'fetch' | 'misfits'> {
  const got: { path: string; response: Response; text: Promise<string> }[] = []
  return {
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      got.push({ path: new URL(response.url).pathname, response, text: textOf(response.clone()) })
      return response
    },
    misfits: async () => {
      const all = got.splice(0)
      if (all.length === 0) throw new Error('no client got anything')
      const found = await Promise.all(
        all.map(async ({ path, response, text }) => {
          const type = response.headers.get('content-type') ?? ''
          return misfits({ path, status: response.status, type, text: await text })
        }),
      )
      return found.flat()
    },
  }
}

/** As much of a body as came before its client had enough. */
async function textOf({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of body ?? []) pieces.push(piece)
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === 'AbortError')) throw cause
  }
  return Buffer.concat(pieces).toString()
}
