import type { Config } from '../config/index.ts'
import { ParleyError, type Service } from '../core/index.ts'
import type { Front } from '../http/index.ts'
import { writeNodeFile } from './run-files.ts'

/** Where apps reach the node, and the file by which the commands of this machine find it. */
export interface LocalEndpoint extends Service {
  /** `/v1` included; after the start. */
  readonly url: () => string
}

export function createLocalEndpoint(front: Front, config: Config, token: string): LocalEndpoint {
  let origin: string | undefined
  let nodeFile: { remove: () => void } | undefined
  return {
    name: 'local endpoint',
    url: () => {
      if (origin === undefined) throw new ParleyError('internal', 'the node has not started')
      return `${origin}/v1`
    },
    start: async () => {
      const { address, port, family } = await front.listen(config.http.host, config.http.port)
      origin = `http://${reachable(address, family)}:${port}`
      try {
        nodeFile = writeNodeFile(config.paths, { url: origin, token })
      } catch (cause) {
        await front.close(AbortSignal.abort())
        throw cause
      }
    },
    stop: async () => {
      nodeFile?.remove()
      await front.close(AbortSignal.timeout(1_000))
    },
  }
}

/** One that listens on all addresses is asked on this machine by the loopback one. */
function reachable(address: string, family: string): string {
  if (family === 'IPv6') return address === '::' ? '[::1]' : `[${address}]`
  return address === '0.0.0.0' ? '127.0.0.1' : address
}
