import { z } from 'zod'
import { type ChatDraft, chatLimits, type FolderDraft, type MessageRow, ParleyError } from '../../core/index.ts'
import { type AdminRoute, declareIn, known } from './route.ts'
import { Id, Json, listOf, Moment, pageFields, pageOf } from './schemas.ts'

const declare = declareIn('chats')

const chatMaxBytes = 20 * 1024 * 1024
const textMax = 4 * 1024 * 1024
const promptMax = 256 * 1024
const messagesMax = chatLimits.messagesPerChat
const attachmentsMax = 100
const toolCallsMax = 1_000

/** Unix milliseconds, by the clock of whoever wrote it. */
const At = z
  .int()
  .min(0)
  .max(Date.UTC(9999, 11, 31))
/** Of something inside a chat. */
const PartId = z.string().regex(/^[\w-]{1,64}$/, { error: 'is no id' })
const Short = z.string().max(1_000)

const chatFields = {
  id: Id,
  title: z.string().max(500),
  folderId: Id.nullable(),
  isPinned: z.boolean(),
  model: z.string().max(300).nullable(),
  systemPrompt: z.string().max(promptMax),
  parameters: z.object({
    temperature: z.number().optional(),
    topP: z.number().optional(),
    maxTokens: z.number().optional(),
  }),
  headId: PartId.nullable().describe('The last message of the branch that is shown.'),
  createdAt: At,
  updatedAt: At,
  deletedAt: At.nullable(),
}
const changedAt = z.int().describe('When this node heard of it: what to ask for as `since`.')

const Attachment = z
  .looseObject({
    id: PartId,
    name: Short,
    mediaType: z.string().max(200),
    bytes: z.int().min(0),
    kind: z.enum(['image', 'text', 'audio']),
    text: z.string().max(textMax).optional(),
    dataUrl: z.string().max(chatMaxBytes).startsWith('data:').optional(),
  })
  .meta({ id: 'ChatAttachment' })

/** What is not named here is kept as it is. */
const Message = z
  .looseObject({
    id: PartId,
    chatId: Id,
    parentId: PartId.nullable(),
    role: z.enum(['user', 'assistant']),
    text: z.string().max(textMax),
    reasoning: z.string().max(textMax).optional(),
    attachments: z.array(Attachment).max(attachmentsMax).optional(),
    toolCalls: z.array(Json).max(toolCallsMax).optional(),
    model: z.string().max(300).optional(),
    state: z.enum(['done', 'stopped', 'failed', 'cut']),
    error: z.object({ code: Short, message: z.string().max(10_000) }).optional(),
    usage: z.looseObject({ prompt: z.number(), completion: z.number(), cached: z.number().optional() }).optional(),
    facts: z
      .looseObject({
        requestId: Short.optional(),
        provider: Short.optional(),
        servedModel: Short.optional(),
        ttftMs: z.number().optional(),
        totalMs: z.number().optional(),
        tokensPerSecond: z.number().optional(),
        cost: Short.optional(),
        currency: Short.optional(),
        notices: z
          .array(z.looseObject({ text: z.string().max(10_000) }))
          .max(100)
          .optional(),
      })
      .optional(),
    createdAt: At,
    updatedAt: At,
  })
  .meta({ id: 'ChatMessage' })

const ChatIn = z.object(chatFields).meta({ id: 'ChatDocument' })
const Chat = z.object({ ...chatFields, changedAt }).meta({ id: 'Chat' })

const folderFields = {
  id: Id,
  name: z.string().max(200),
  systemPrompt: z.string().max(promptMax),
  createdAt: At,
  updatedAt: At,
  deletedAt: At.nullable(),
}
const FolderIn = z.object(folderFields).meta({ id: 'ChatFolderDocument' })
const Folder = z.object({ ...folderFields, changedAt }).meta({ id: 'ChatFolder' })

const since = Moment.optional().describe('Only what this node heard of from this moment on, what was deleted included.')

/** Whoever asks sees their own, whatever their role. Nothing of it is told to the log. */
export const chatRoutes: readonly AdminRoute[] = [
  declare(
    'GET /chats',
    {
      access: 'user',
      summary: 'Lists your chats without their messages, last changed first.',
      query: z.strictObject({ since, ...pageFields }),
      answer: listOf(Chat),
    },
    async ({ query: { since, page, limit }, actor, hold }, { chats }) => {
      const filter = since === undefined ? {} : { since }
      const listing = await chats.list(known(actor), filter, { page, limit })
      hold(promptBytes(listing.rows))
      return pageOf({ ...listing, rows: listing.rows.map(shown) }, { page, limit })
    },
  ),
  declare(
    'GET /chats/:id',
    {
      access: 'user',
      summary: 'One of your chats with its messages, or those of them that are new.',
      query: z.strictObject({ since: since.describe('Only messages this node heard of from this moment on.') }),
      answer: z.object({ chat: Chat, messages: z.array(Message) }),
    },
    async ({ params, query, actor, hold }, { chats }) => {
      hold((await chats.head(known(actor), params.id!)).bytes)
      const { chat, messages } = await chats.get(known(actor), params.id!, query.since)
      return { chat: shown(chat), messages: messages.map(documentOf) }
    },
  ),
  declare(
    'PUT /chats/:id',
    {
      access: 'user',
      summary: 'Merges a chat into what is here: messages are added, of two versions the later one counts.',
      body: z.object({
        chat: ChatIn,
        messages: z.array(Message).max(messagesMax).default([]).describe('Any of them, in any order.'),
      }),
      bodyMaxBytes: chatMaxBytes,
      answer: z.object({ chat: Chat }),
      isTold: false,
    },
    async ({ params, body: { chat, messages }, actor }, { chats }) => {
      sameId('chat.id', chat.id, params.id!)
      for (const message of messages) sameId('messages.chatId', message.chatId, params.id!)
      const draft: ChatDraft = { ...chat, id: params.id!.toLowerCase(), parameters: chat.parameters }
      return { chat: shown(await chats.merge(known(actor), draft, messages)) }
    },
  ),
  declare(
    'DELETE /chats/:id',
    {
      access: 'user',
      summary: 'Deletes a chat: its words at once; that it is gone stays known to your other devices.',
      isTold: false,
    },
    async ({ params, actor }, { chats }) => await chats.remove(known(actor), params.id!),
  ),
  declare(
    'GET /folders',
    {
      access: 'user',
      summary: 'Lists the folders of your chats, deleted ones too.',
      answer: z.object({ data: z.array(Folder) }),
    },
    async ({ actor, hold }, { chats }) => {
      const folders = await chats.folders(known(actor))
      hold(promptBytes(folders))
      return { data: folders.map(shown) }
    },
  ),
  declare(
    'PUT /folders/:id',
    {
      access: 'user',
      summary: 'Adds a folder, or puts it in the place of an older version.',
      body: FolderIn,
      answer: Folder,
      isTold: false,
    },
    async ({ params, body, actor }, { chats }) => {
      sameId('id', body.id, params.id!)
      const draft: FolderDraft = { ...body, id: params.id!.toLowerCase() }
      return shown(await chats.mergeFolder(known(actor), draft))
    },
  ),
  declare(
    'DELETE /folders/:id',
    { access: 'user', summary: 'Deletes a folder; its chats stay.', isTold: false },
    async ({ params, actor }, { chats }) => await chats.removeFolder(known(actor), params.id!),
  ),
]

/** Lists hold no words but these, and there may be many of them. */
function promptBytes(rows: readonly { readonly systemPrompt: string }[]): number {
  return rows.reduce((sum, { systemPrompt }) => sum + systemPrompt.length, 0)
}

function shown<T extends { readonly owner: string }>({ owner: _, ...row }: T): Omit<T, 'owner'> {
  return row
}

function documentOf({ document }: MessageRow): z.input<typeof Message> {
  // It was checked when it was merged.
  return document as z.input<typeof Message>
}

function sameId(param: string, id: string, wanted: string): void {
  if (id.toLowerCase() === wanted.toLowerCase()) return
  throw new ParleyError('invalid_request', `${param} is not the id of the path; send what belongs to it`, { param })
}
