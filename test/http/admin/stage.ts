import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { afterEach, expect } from 'vitest'
import { createKeyRing, createKeys, createRevisions, type TokenPair } from '../../../src/auth/index.ts'
import { type ConfigInput, createConfig, createDirectories, resolvePaths } from '../../../src/config/index.ts'
import {
  createEventLog,
  type EventLog,
  type LogLevel,
  type Role,
  roles,
  systemClock,
  systemRandom,
  type UserRow,
} from '../../../src/core/index.ts'
import { createRanking } from '../../../src/gateway/index.ts'
import type { LocalFrontOptions } from '../../../src/http/index.ts'
import { createAccountKeeper } from '../../../src/node/account-keeper.ts'
import { createCallers } from '../../../src/node/callers.ts'
import { createLive, type LiveNode } from '../../../src/node/live.ts'
import { createAuth, createManagement, type ManagementOptions, signUpOf } from '../../../src/node/management/index.ts'
import { createTreasury } from '../../../src/node/treasury/index.ts'
import {
  createLedger,
  createMemoryShared,
  createSealer,
  openStore,
  type SqlStore,
  type StorePlace,
} from '../../../src/store/index.ts'
import { serveLocally } from '../../local-server.ts'

export interface Asking {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Said {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Whatever was said, for a test to look into. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come
  readonly body: any
}

/** A node's management behind a real front, over a real store and real upstreams. */
export interface Stage {
  /** Without a slash at the end. */
  readonly url: string
  readonly store: SqlStore
  readonly live: LiveNode
  readonly log: EventLog
  readonly auth: ManagementOptions['auth']
  readonly purged: (string | undefined)[]
  readonly level: () => LogLevel
  /** Asks and holds the answer against the document. */
  readonly ask: (route: string, asking?: Asking) => Promise<Said>
  /** Everything that was ever answered. */
  readonly heard: () => string
  /** Somebody of each role who has logged in. */
  readonly people: Readonly<Record<Role, { readonly user: UserRow; readonly pair: TokenPair }>>
  readonly tokens: Readonly<Record<Role, string>>
  /** An API key that works. */
  readonly makeKey: (userId?: string) => Promise<{ id: string; secret: string }>
}

export interface StageOptions {
  readonly place?: StorePlace
  readonly config?: ConfigInput
  readonly env?: NodeJS.ProcessEnv
  readonly allowPrivateUpstreams?: boolean
  readonly fetchOut?: ManagementOptions['fetchOut']
  readonly front?: Partial<Pick<LocalFrontOptions, 'allowedHosts' | 'behindProxy' | 'trustedProxies'>>
}

export const adminToken = 'token-of-the-run-directory'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

export function atTheEnd(close: () => unknown): void {
  closing.push(close)
}

const parts = { clock: systemClock, random: systemRandom }

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), 'parley-admin-'))
  atTheEnd(() => rmSync(home, { recursive: true, force: true }))
  const { allowPrivateUpstreams = true } = options
  const config = createConfig(
    {
      models: { nano: false },
      timeouts: { totalMs: 5_000 },
      ...options.config,
      management: { allowPrivateUpstreams, ...options.config?.management },
    },
    resolvePaths({ PARLEY_HOME: home }),
  )
  const masterKey = systemRandom.bytes(32)
  const sealer = createSealer(masterKey, systemRandom)
  const store = await openStore(options.place ?? { path: join(home, 'gateway.sqlite') }, { ...parts, sealer })
  atTheEnd(() => store.close())
  const log = createEventLog(systemClock.now)
  const shared = createMemoryShared(parts)
  const revisions = createRevisions({ store, messages: shared.messages, everyMs: 100 })
  const ring = createKeyRing({ keys: store.keys, users: store.users, revisions, clock: systemClock })
  const keys = createKeys({ keys: store.keys, budgets: store.budgets, revisions, ...parts })
  const live = await createLive({
    ...{ config, env: options.env ?? {}, log, store, sealer, changes: revisions, backends: [], ...parts },
    peers: { serving: () => [], models: async () => [] },
    ranking: createRanking(systemClock, systemRandom),
    keyName: () => undefined,
  })
  for (const service of [shared, revisions, ring, live.own, live]) {
    await service.start(AbortSignal.timeout(5_000))
    atTheEnd(() => service.stop())
  }
  const signUp = signUpOf(config)
  const auth = createAuth({
    ...{ store, sealer, shared, masterKey, keys, ring, revisions, ...parts },
    signUp,
    onMailError: () => {},
    passwordLogN: 10,
  })
  createDirectories(config.paths)
  const ledger = createLedger(config.paths.ledgerFile, parts)
  atTheEnd(ledger.close)
  const accounts = await createAccountKeeper(config, systemRandom)
  const withoutChain = () => ({ access: undefined, p2p: undefined, market: undefined, failure: undefined })
  const purged: (string | undefined)[] = []
  let level: LogLevel = 'info'
  const management = createManagement({
    ...{ store, sealer, live, shared, auth, ...parts },
    treasury: createTreasury({
      ...{ ...parts, config, ledger, accounts },
      network: { parts: withoutChain, selling: () => [] },
      models: () => 0,
      url: () => server.url,
    }),
    explain: live.explain,
    providerNames: () => live.candidates.names?.() ?? [],
    models: {
      candidates: live.candidates,
      targets: () => [],
      visibleModels: async (_caller, models) => models,
      presetOf: () => undefined,
      token: async () => undefined,
      unreachable: () => [],
    },
    purgeCache: async keyId => void purged.push(keyId),
    logging: { level: () => level, setLevel: wanted => void (level = wanted) },
    alertsFiring: () => [],
    queues: () => ({ records: 0 }),
    allowPrivateUpstreams,
    fetchOut: options.fetchOut,
  })
  const errors: string[] = []
  const { callerOf } = createCallers({
    ...{ ring, keys: store.keys, keepsTexts: false },
    checkToken: token => auth.sessions.check(token),
  })
  const server = await serveLocally(live.router, {
    verifyKey: key => (key === 'sk-parley-test' ? { principal: { kind: 'key', id: 'test' } } : callerOf(key)),
    ...{ management, log, adminToken, ...options.front },
    status: () => ({ models: ['one'], peers: [] }),
    reload: async () => {
      await live.reload()
      return { generation: live.setup().generation, needsRestart: [] }
    },
    onError: (_, error) => errors.push(`${error.message}\n${error.stack}`),
  })
  atTheEnd(async () => {
    await server.stop()
    expect(errors).toEqual([])
  })
  const url = server.url.replace(/\/v1$/, '')
  const people = Object.fromEntries(
    await Promise.all(roles.map(async role => [role, await login(store, auth, role)] as const)),
  ) as Stage['people']
  const heard: string[] = []
  const asker = await createAsker(url, heard)
  return {
    ...{ url, store, live, log, auth, purged, people },
    level: () => level,
    ask: asker,
    heard: () => heard.join('\n'),
    tokens: Object.fromEntries(roles.map(role => [role, people[role].pair.accessToken])) as Stage['tokens'],
    makeKey: async userId => {
      const { key, secret } = await keys.create({ name: 'test', ...(userId !== undefined && { userId }) })
      return { id: key.id, secret }
    },
  }
}

export const password = 'correct horse battery'

async function login(store: SqlStore, auth: ManagementOptions['auth'], role: Role) {
  const passwordHash = await auth.passwords.hash(password)
  const user = await store.users.create({ email: `${role}@example.com`, name: role, role, passwordHash })
  return { user, pair: await auth.sessions.open(user, 'test') }
}

/** Sends `METHOD /path` below `/api`; an answer that is not as documented fails the test. */
async function createAsker(url: string, heard: string[]): Promise<Stage['ask']> {
  const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as Document
  const check = checkerOf(document)
  return async (route, { token, body, headers = {} } = {}) => {
    const [method = 'GET', path = '/'] = route.split(' ')
    const response = await fetch(`${url}/api${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== ''
    const said: Said = {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    }
    heard.push(text)
    expect(check(method, path, said)).toBeUndefined()
    return said
  }
}

interface Document {
  readonly paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, unknown> }> }>>
  readonly components: unknown
}

/** Says what of an answer is not as the document has it. */
export function checkerOf(document: Document): (method: string, path: string, said: Said) => string | undefined {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'api', ...document })
  const compiled = new Map<string, ValidateFunction>()
  const compile = (pointer: string) => {
    const known = compiled.get(pointer) ?? ajv.compile({ $ref: `api#${pointer}` })
    compiled.set(pointer, known)
    return known
  }
  return (method, path, { status, body, text }) => {
    const bare = `/api${path.split('?')[0]!.replace(/\/$/, '')}`
    const template = templateOf(Object.keys(document.paths), bare)
    const verb = (method === 'HEAD' ? 'GET' : method).toLowerCase()
    const operation = template === undefined ? undefined : document.paths[template]?.[verb]
    if (operation === undefined) {
      return status === 404 || status === 405 ? undefined : `${method} ${path} is not in the document: ${status}`
    }
    const name = Object.hasOwn(operation.responses, String(status)) ? String(status) : 'default'
    if (name === 'default' && status < 400) return `${method} ${path} answered ${status}, which is not in the document`
    const content = operation.responses[name]!.content?.['application/json']
    if (content === undefined || method === 'HEAD') return undefined
    const pointer = ['paths', template!, verb, 'responses', name, 'content', 'application/json', 'schema']
    const validate = compile(
      `/${pointer
        .map(part => part.replaceAll('~', '~0').replaceAll('/', '~1'))
        .map(encodeURIComponent)
        .join('/')}`,
    )
    return validate(body) ? undefined : `${method} ${path}: ${ajv.errorsText(validate.errors)} in ${text.slice(0, 500)}`
  }
}

/** The words of a path before its ids, as the router has it. */
export function templateOf(templates: readonly string[], path: string): string | undefined {
  const fitting = templates.filter(template => {
    const pattern = template.replaceAll(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')
    return new RegExp(`^${pattern}$`).test(path)
  })
  return fitting.sort((one, other) => one.split('{').length - other.split('{').length)[0]
}

export const unknownId = '0198a000-0000-7000-8000-ffffffffffff'
