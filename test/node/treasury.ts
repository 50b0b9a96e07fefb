import { readFileSync } from 'node:fs'
import { type ConfigInput, createConfig, resolvePaths } from '../../src/config/index.ts'
import type { Role } from '../../src/core/index.ts'
import type { ParleyNode } from '../../src/node/index.ts'
import type { Answer } from './managed.ts'
import { configInputOf, createHome, type DevChain, startNode } from './stage.ts'

export const walletPassword = 'a long enough password'
const password = 'correct horse battery staple'

/** A node and its management, as people and programs ask it. */
export interface Managed {
  readonly node: ParleyNode
  readonly home: string
  /** `METHOD /path` below `/api`, by the token of the run directory when no other is given. */
  readonly api: (route: string, body?: unknown, token?: string) => Promise<Answer>
  /** Somebody of a role, logged in. */
  readonly join: (role: Role) => Promise<string>
  readonly stop: () => Promise<void>
}

/** A node on this chain; of one without an account the wallet is still to come. */
export async function startOnChain(
  dev: DevChain | undefined,
  account: number | undefined,
  more: ConfigInput = {},
  { path: home, remove } = createHome(),
): Promise<Managed> {
  const paths = resolvePaths({ PARLEY_HOME: home })
  const { wallet, ...input } =
    dev === undefined ? { http: { port: 0 }, ...more } : configInputOf(dev, account ?? 0, more)
  const config = createConfig({ ...input, ...(account !== undefined && { wallet }) }, paths)
  const node = await startNode(config)
  const { token: machine } = JSON.parse(readFileSync(paths.nodeFile, 'utf8')) as { token: string }
  const origin = new URL(node.url).origin
  const api: Managed['api'] = async (route, body, token = machine) => {
    const [method = '', path = ''] = route.split(' ')
    const response = await fetch(`${origin}/api${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      text,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  return {
    ...{ node, home, api },
    join: async role => {
      const email = `${role}@example.com`
      await api('POST /users', { email, name: role, role, password })
      return (await api('POST /auth/login', { email, password })).body.accessToken
    },
    stop: async () => {
      await node.stop()
      remove()
    },
  }
}

/** Moves the clock of the chain. */
export async function later({ rpcUrl }: DevChain, seconds: number): Promise<void> {
  for (const [method, params] of [
    ['evm_increaseTime', [seconds]],
    ['evm_mine', []],
  ] as const) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  }
}
