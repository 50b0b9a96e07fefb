import type { Attachment, Chat, Folder, Message, MessageFacts, Parameters, ToolCall, Usage } from '../documents.ts'

/**
 * Documents from files, which may be torn or made to do harm: each named field is checked and copied, nothing else is taken
 * over. A field that is wrong makes the document undefined, where it cannot do without it.
 */
export type Source = Readonly<Record<string, unknown>>
type Check<T> = (value: unknown) => T | undefined
/** Every field has to be named, so that none that is added later is lost on the way. */
type Checks<T> = { readonly [K in keyof Required<T>]: Check<Required<T>[K]> }

const idMost = 64
const titleMost = 500
const shortMost = 1_000
const textMost = 4 * 1024 * 1024
const listMost = 1_000
const dataMost = 20 * 1024 * 1024
const latestMs = Date.UTC(9999, 11, 31)

/** A field of an object that is its own: nothing comes from a prototype. */
export function own(source: unknown, name: string): unknown {
  return isRecord(source) && Object.hasOwn(source, name) ? source[name] : undefined
}

export function isRecord(value: unknown): value is Source {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const text =
  (most: number): Check<string> =>
  value =>
    typeof value === 'string' && value.length <= most ? value : undefined
const nullable =
  <T>(check: Check<T>): Check<T | null> =>
  value =>
    value === null ? null : check(value)
const oneOf =
  <T extends string>(...names: readonly T[]): Check<T> =>
  value =>
    names.find(name => name === value)
const finite: Check<number> = value => (typeof value === 'number' && Number.isFinite(value) ? value : undefined)
const time: Check<number> = value =>
  typeof value === 'number' && value >= 0 && value <= latestMs ? Math.trunc(value) : undefined
const flag: Check<boolean> = value => (typeof value === 'boolean' ? value : undefined)
const partId: Check<string> = value =>
  typeof value === 'string' && value.length <= idMost && /^[\w-]+$/.test(value) ? value : undefined
export const isUuid = (value: unknown): value is string =>
  typeof value === 'string' && /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/.test(value)
const uuid: Check<string> = value => (isUuid(value) ? value : undefined)
const list =
  <T>(check: Check<T>, most = listMost): Check<readonly T[]> =>
  value => {
    if (!Array.isArray(value) || value.length > most) return undefined
    const good = value.map(check)
    return good.includes(undefined) ? undefined : (good as T[])
  }

function record<T extends object>(checks: Checks<T>, ...needed: readonly (keyof T)[]): Check<T> {
  return value => {
    if (!isRecord(value)) return undefined
    const found: Partial<Record<keyof T, unknown>> = {}
    for (const name of Object.keys(checks) as (keyof T & string)[]) {
      const good = own(value, name) === undefined ? undefined : checks[name](own(value, name))
      if (good !== undefined) found[name] = good
      // What is there and wrong is told of, not left out.
      else if (needed.includes(name) || own(value, name) !== undefined) return undefined
    }
    return found as T
  }
}

const parameters = record<Parameters>({ temperature: finite, topP: finite, maxTokens: finite })
const toolCall = record<ToolCall>(
  { id: text(shortMost), name: text(shortMost), arguments: text(textMost) },
  'id',
  'name',
)
const usage = record<Usage>({ prompt: finite, completion: finite, cached: finite }, 'prompt', 'completion')
const notice = record<{ readonly text: string }>({ text: text(10_000) }, 'text')
const facts = record<MessageFacts>({
  requestId: text(shortMost),
  provider: text(shortMost),
  servedModel: text(shortMost),
  ttftMs: finite,
  totalMs: finite,
  tokensPerSecond: finite,
  cost: text(shortMost),
  currency: text(shortMost),
  notices: list(notice, 100),
})
const dataUrl: Check<string> = value =>
  typeof value === 'string' && value.length <= dataMost && value.startsWith('data:') ? value : undefined
const attachment = record<Attachment>(
  {
    id: partId,
    name: text(shortMost),
    mediaType: text(200),
    bytes: time,
    kind: oneOf('image', 'text', 'audio'),
    text: text(textMost),
    dataUrl,
  },
  'id',
  'name',
  'mediaType',
  'bytes',
  'kind',
)

export const checkedChat = record<Chat>(
  {
    id: uuid,
    title: text(titleMost),
    folderId: nullable(uuid),
    isPinned: flag,
    model: nullable(text(300)),
    systemPrompt: text(256 * 1024),
    parameters,
    headId: nullable(partId),
    createdAt: time,
    updatedAt: time,
    deletedAt: nullable(time),
  },
  'id',
  'title',
  'folderId',
  'isPinned',
  'model',
  'systemPrompt',
  'parameters',
  'headId',
  'createdAt',
  'updatedAt',
  'deletedAt',
)

export const checkedMessage = record<Message>(
  {
    id: partId,
    chatId: uuid,
    parentId: nullable(partId),
    role: oneOf('user', 'assistant'),
    text: text(textMost),
    reasoning: text(textMost),
    attachments: list(attachment, 100),
    toolCalls: list(toolCall),
    model: text(300),
    state: oneOf('done', 'stopped', 'failed', 'cut'),
    error: record<{ readonly code: string; readonly message: string }>(
      { code: text(shortMost), message: text(10_000) },
      'code',
      'message',
    ),
    usage,
    facts,
    createdAt: time,
    updatedAt: time,
  },
  'id',
  'chatId',
  'parentId',
  'role',
  'text',
  'state',
  'createdAt',
  'updatedAt',
)

export const checkedFolder = record<Folder>(
  {
    id: uuid,
    name: text(200),
    systemPrompt: text(256 * 1024),
    createdAt: time,
    updatedAt: time,
    deletedAt: nullable(time),
  },
  'id',
  'name',
  'systemPrompt',
  'createdAt',
  'updatedAt',
  'deletedAt',
)

/** The branch of a tree has to end: parents that are missing or go in a circle are cut. */
export function mended(messages: readonly Message[]): readonly Message[] {
  const byId = new Map(messages.map(message => [message.id, message]))
  const safe = new Set<string>()
  return messages.map(message => {
    const path = new Set<string>()
    let at: Message | undefined = message
    while (at !== undefined && !safe.has(at.id) && !path.has(at.id)) {
      path.add(at.id)
      at = at.parentId === null ? undefined : byId.get(at.parentId)
    }
    const isCircle = at !== undefined && path.has(at.id) && !safe.has(at.id)
    if (isCircle || (message.parentId !== null && !byId.has(message.parentId))) {
      const root = { ...message, parentId: null }
      byId.set(message.id, root)
      safe.add(message.id)
      return root
    }
    for (const id of path) safe.add(id)
    return message
  })
}
