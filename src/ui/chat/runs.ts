import i18next from 'i18next'
import { create } from 'zustand'
import { ApiError, type ChatEnd, type ChatPiece, streamChat } from '../../openai/stream-client.ts'
import { connection } from '../client/connection.ts'
import { beforeSignOut, isNode } from '../client/session.ts'
import type { Message, MessageFacts } from '../storage/documents.ts'
import { chatStore } from '../storage/store.ts'
import { changeChat, holdChat, opened, settled, useDesk } from './desk.ts'
import { grown, type Run } from './grown.ts'
import { costOf, type Model } from './rank.ts'
import { pathTo } from './tree.ts'
import { parametersOf, wireOf } from './wire.ts'
import { holdAnswer, pageLeft } from './written.ts'

export const useRuns = create<{ readonly runs: Readonly<Record<string, Run>> }>(() => ({ runs: {} }))

/** Words are shown so often at most: more cannot be read, and each time costs a layout. */
const paintMs = 50
/** What came so far is stored so often, so that a tab that dies loses little. */
const keepMs = 1_000

interface Wishes {
  readonly chatId: string
  readonly parentId: string
  readonly model: string
  /** The providers to ask, or to leave out. */
  readonly provider?: string | { readonly ignore: readonly string[] }
  /** What is known of the models, for what it costs. */
  readonly models: readonly Model[]
}

const stops = new Map<string, AbortController>()
const ends = new Set<Promise<void>>()

// Nobody waits for the answer of a chat that is gone, and it would go on to cost.
useDesk.subscribe(({ open }) => {
  for (const id of stops.keys()) if (open[id] === undefined) stopRun(id)
})
beforeSignOut(async () => {
  for (const id of stops.keys()) stopRun(id)
  await Promise.all(ends)
  await settled()
})

export function isRunning(chatId: string): boolean {
  return stops.has(chatId)
}

/** Ends an answer; what came stays. */
export function stopRun(chatId: string): void {
  stops.get(chatId)?.abort()
}

/** Asks for an answer to a message. How it ends is in the message that it leaves. */
export function startRun(wishes: Wishes): Promise<void> {
  const { chatId } = wishes
  if (stops.has(chatId) || opened(chatId) === undefined) return Promise.resolve()
  const end = answerTo(wishes).finally(() => ends.delete(end))
  ends.add(end)
  return end
}

async function answerTo(wishes: Wishes): Promise<void> {
  const { chatId, parentId, model } = wishes
  const stop = new AbortController()
  stops.set(chatId, stop)
  const run = createRun({ chatId, parentId, model })
  try {
    const end = await follow(run, wishes, stop.signal)
    run.finish(doneOf(run.now(), end, wishes.models))
  } catch (error) {
    run.finish(failureOf(run.now(), error, stop.signal))
  } finally {
    stops.delete(chatId)
  }
}

async function follow(run: Writer, wishes: Wishes, signal: AbortSignal): Promise<ChatEnd> {
  const known = connection()
  if (known === undefined) throw new ApiError('unreachable', i18next.t('chat.noConnection'))
  const stream = streamChat(known, await bodyOf(wishes), { signal })
  for (let step = await stream.next(); ; step = await stream.next()) {
    if (step.done === true) return step.value
    run.add(step.value)
  }
}

async function bodyOf({ chatId, parentId, model, provider }: Wishes): Promise<object> {
  const { chat, messages } = opened(chatId)!
  const system = [await folderPrompt(chat.folderId), chat.systemPrompt].filter(text => text.trim() !== '').join('\n\n')
  return {
    model,
    messages: wireOf(pathTo(messages, parentId), system),
    ...parametersOf(chat.parameters),
    ...(isNode && { continue_on_failure: true }),
    ...(provider !== undefined && { provider }),
  }
}

async function folderPrompt(folderId: string | null): Promise<string> {
  if (folderId === null) return ''
  const folders = await chatStore()
    .listFolders()
    .catch(() => [])
  return folders.find(({ id }) => id === folderId)?.systemPrompt ?? ''
}

interface Writer {
  readonly add: (piece: ChatPiece) => void
  readonly now: () => Run
  readonly finish: (how: Ending) => void
}

type Ending = Pick<Message, 'state' | 'error' | 'usage'> & { readonly facts?: Partial<MessageFacts> }

/** Gathers what comes, and shows it in steps. */
function createRun(given: Pick<Run, 'chatId' | 'parentId' | 'model'>): Writer {
  let run: Run = {
    ...given,
    messageId: crypto.randomUUID(),
    ...{
      provider: undefined,
      requestId: undefined,
      text: '',
      reasoning: '',
      toolCalls: [],
      notices: [],
      isCached: false,
    },
    ...{ startedAt: performance.now(), firstAt: undefined },
  }
  const createdAt = Date.now()
  let keptAt = createdAt
  let kept = run
  let isOver = false
  const releases = [holdChat(run.chatId), holdAnswer(run.messageId)]
  let painting: ReturnType<typeof setTimeout> | undefined
  const paint = () => {
    painting = undefined
    // A page that is not shown gets its next frame long after the answer is over.
    if (isOver) return
    useRuns.setState(({ runs }) => ({ runs: { ...runs, [run.chatId]: run } }))
  }
  const keep = (how: Ending) => {
    const { headId } = opened(run.chatId)?.chat ?? {}
    const isWritten = how.error?.code === unfinished.code
    kept = run
    keptAt = Math.max(Date.now(), keptAt + 1)
    const message = { ...messageOf(run, how), createdAt, updatedAt: keptAt }
    const shown = headId === run.parentId ? message.id : headId
    changeChat(run.chatId, isWritten ? {} : { headId: shown ?? null }, [message])
  }
  const leave = () => keep({ state: 'cut', error: unfinished })
  const keeping = setInterval(() => run !== kept && run.firstAt !== undefined && leave(), keepMs)
  addEventListener('pagehide', leave)
  paint()
  return {
    add: piece => {
      run = grown(run, piece)
      painting ??= setTimeout(() => requestAnimationFrame(paint), paintMs)
    },
    now: () => run,
    finish: how => {
      isOver = true
      clearTimeout(painting)
      clearInterval(keeping)
      removeEventListener('pagehide', leave)
      keep(how)
      for (const release of releases) release()
      useRuns.setState(({ runs }) => {
        const { [run.chatId]: _, ...others } = runs
        return { runs: others }
      })
    },
  }
}

const unfinished = { code: pageLeft, message: '' }

function messageOf(run: Run, { state, error, usage, facts }: Ending): Omit<Message, 'createdAt' | 'updatedAt'> {
  const { messageId, chatId, parentId, model, text, reasoning, toolCalls, notices, provider, requestId } = run
  const firstMs = run.firstAt === undefined ? undefined : run.firstAt - run.startedAt
  return {
    ...{ id: messageId, chatId, parentId, role: 'assistant', text, model, state },
    ...(reasoning !== '' && { reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(error && { error }),
    ...(usage && { usage }),
    facts: {
      ...(provider !== undefined && { provider }),
      ...(requestId !== undefined && { requestId }),
      ...(firstMs !== undefined && { ttftMs: Math.round(firstMs) }),
      ...(notices.length > 0 && { notices }),
      ...facts,
    },
  }
}

function doneOf(run: Run, end: ChatEnd, models: readonly Model[]): Ending {
  const { usage, provider = run.provider, servedModel, requestId, totalMs, firstMs } = end
  const writingMs = Math.max(totalMs - firstMs, 1)
  const speed = usage !== undefined && usage.completion > 1 ? (usage.completion / writingMs) * 1_000 : undefined
  const told = !isNode && end.cost !== undefined ? { cost: end.cost, currency: 'USD' } : undefined
  const asked = models.find(({ id }) => id === run.model)
  const model = models.find(({ id }) => id === servedModel) ?? asked
  const cost = run.isCached ? undefined : (told ?? (usage && costOf(model, provider, usage)))
  const notices = [...run.notices, ...endOf(end)]
  return {
    state: 'done',
    ...(usage && { usage }),
    facts: {
      ...(provider !== undefined && { provider }),
      ...(servedModel !== undefined && { servedModel }),
      ...(requestId !== undefined && { requestId }),
      ...{ ttftMs: Math.round(firstMs), totalMs: Math.round(totalMs) },
      ...(speed !== undefined && { tokensPerSecond: Math.round(speed * 10) / 10 }),
      ...(notices.length > 0 && { notices }),
      ...cost,
    },
  }
}

/** What broke off by a rule is no whole answer, though its stream ended well. */
function endOf({ finishReason }: ChatEnd): readonly { readonly text: string }[] {
  if (finishReason === 'length') return [{ text: i18next.t('chat.notice.length') }]
  return finishReason === 'content_filter' ? [{ text: i18next.t('chat.notice.filtered') }] : []
}

function failureOf(run: Run, error: unknown, signal: AbortSignal): Ending {
  const totalMs = Math.round(performance.now() - run.startedAt)
  if (signal.aborted) return { state: 'stopped', facts: { totalMs } }
  const { code, message, requestId } =
    error instanceof ApiError ? error : { code: 'failed', message: String(error), requestId: undefined }
  const state = code === 'stream_cut' ? 'cut' : 'failed'
  return { state, error: { code, message }, facts: { totalMs, ...(requestId !== undefined && { requestId }) } }
}
