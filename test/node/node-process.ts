import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline'
import { type ConfigInput, createConfig, resolvePaths } from '../../src/config/index.ts'
import { createNode } from '../../src/node/index.ts'

/** The first line on stdin: where the node lives and how it is set up. */
export interface NodeSetup {
  readonly home: string
  readonly config: ConfigInput
}

/**
 * A later line, answered by `{ doomed }`: the process kills itself, as `kill -9` would, in the middle of the so-manieth
 * event of this type.
 */
export interface Doom {
  readonly type: string
  readonly nth: number
}

/** The one line on stdout once the node answers; events follow, one JSON line each. */
export interface NodeReady {
  readonly url: string
  /** The API key made at the first start of this home. */
  readonly key: string | undefined
  readonly peerId: string | undefined
}

const say = (line: object) =>
  process.stdout.write(
    `${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`,
  )

/** A node in a process of its own, to be killed: it lives until its parent closes stdin. */
async function run(lines: AsyncIterator<string>): Promise<void> {
  const { home, config } = JSON.parse((await lines.next()).value as string) as NodeSetup
  const node = await createNode({ config: createConfig(config, resolvePaths({ PARLEY_HOME: home })), env: process.env })
  let doom: Doom | undefined
  let left = 0
  node.log.subscribe(event => {
    if (event.type === doom?.type && --left === 0) process.kill(process.pid, 'SIGKILL')
    say(event)
  })
  await node.start(AbortSignal.timeout(30_000))
  const { peerId } = (node.status().p2p ?? {}) as { peerId?: string }
  say({ url: node.url, key: node.firstKey, peerId } satisfies NodeReady)
  // A process that is killed leaves nothing behind otherwise, and its successor compiles everything again.
  flushCompileCache()
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    doom = JSON.parse(next.value) as Doom
    left = doom.nth
    say({ doomed: doom.type })
  }
  await node.stop()
  process.exit(0)
}

await run(createInterface(process.stdin)[Symbol.asyncIterator]())
