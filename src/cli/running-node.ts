import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Paths } from '../config/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Connection } from '../openai/index.ts'

const nodeFile = z.looseObject({ pid: z.int().positive(), url: z.url(), token: z.string().min(1) })

/** The node that runs on this home, reached over its local endpoint. */
export interface RunningNode {
  readonly pid: number
  /** Without a slash at the end and without `/v1`. */
  readonly url: string
  /** Its routes for apps. */
  readonly connection: Connection
  /** A request with the node's own token. Throws what the node says went wrong. */
  readonly request: (path: string, options: RequestOptions) => Promise<Response>
  readonly read: (path: string, signal: AbortSignal) => Promise<unknown>
}

export interface RequestOptions {
  readonly signal: AbortSignal
  readonly body?: unknown
}

/** The running node, or `not_found` with how to start one. */
export function requireNode(paths: Paths): RunningNode {
  const node = findNode(paths)
  if (node !== undefined) return node
  throw new ParleyError('not_found', 'no node is running here; start one with `parley up`')
}

/** The running node, if its file is there and its process alive. */
export function findNode(paths: Paths): RunningNode | undefined {
  const found = readNodeFile(paths.nodeFile)
  if (found === undefined || !isAlive(found.pid)) return undefined
  const { pid, token } = found
  const url = found.url.replace(/\/+$/, '').replace(/\/v1$/, '')
  const request = (path: string, options: RequestOptions) => send(`${url}${path}`, token, options)
  const connection = { baseUrl: `${url}/v1`, key: token }
  return { pid, url, connection, request, read: async (path, signal) => (await request(path, { signal })).json() }
}

async function send(url: string, token: string, { signal, body }: RequestOptions): Promise<Response> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  let response: Response
  try {
    response = await fetch(url, { ...init, headers, signal, redirect: 'error' })
  } catch (cause) {
    if (signal.aborted) throw ParleyError.from(cause, signal)
    throw new ParleyError('not_found', `nothing answers at ${url}; start a node with \`parley up\``, { cause })
  }
  if (!response.ok) throw ParleyError.fromBody(await response.json().catch(() => undefined))
  return response
}

function readNodeFile(path: string): z.infer<typeof nodeFile> | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  try {
    return nodeFile.parse(JSON.parse(text))
  } catch (cause) {
    throw new ParleyError('conflict', `${path} cannot be understood; stop the node and remove the file`, { cause })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM'
  }
}
