import type { ConfigInput } from '../../src/config/index.ts'
import type { Role } from '../../src/core/index.ts'
import { type GatewayOptions, startGateway } from './gateway.ts'

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come
  readonly body: any
}

export const password = 'correct horse battery staple'

/** A whole node, and its management as people and programs ask it. */
export async function startManaged(input: ConfigInput = {}, options: GatewayOptions = {}) {
  const gateway = await startGateway({ management: { allowPrivateUpstreams: true }, ...input }, options)
  const origin = new URL(gateway.node.url).origin
  /** `METHOD /path` below `/api`, by the token of the run directory when no other is given. */
  const api = async (route: string, body?: unknown, token: string | null = gateway.token): Promise<Answer> => {
    const [method = '', path = ''] = route.split(' ')
    const response = await fetch(`${origin}/api${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== null && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== ''
    return { status: response.status, text, headers: response.headers, body: isJson ? JSON.parse(text) : undefined }
  }
  /** Somebody new of a role, logged in. */
  const join = async (role: Role, name: string = role) => {
    const email = `${name}@example.com`
    const { body } = await api('POST /users', { email, name, role, password })
    const { body: pass } = await api('POST /auth/login', { email, password }, null)
    return { id: body.user.id as string, email, token: pass.accessToken as string }
  }
  const addProvider = async (name: string, url: string, more: object = {}) =>
    (await api('POST /providers', { type: 'api', name, config: { url }, ...more })).body.id as string
  return { ...gateway, origin, api, join, addProvider }
}
