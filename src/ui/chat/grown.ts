import i18next from 'i18next'
import type { ChatPiece } from '../../openai/stream-client.ts'
import type { ToolCall } from '../storage/documents.ts'

/** An answer that is being written. Several chats may have one at once; each goes on while another chat is looked at. */
export interface Run {
  readonly chatId: string
  readonly messageId: string
  /** The message it answers. */
  readonly parentId: string
  readonly model: string
  readonly provider: string | undefined
  readonly requestId: string | undefined
  readonly text: string
  readonly reasoning: string
  readonly toolCalls: readonly ToolCall[]
  readonly notices: readonly { readonly text: string }[]
  /** It was answered before, for nothing. */
  readonly isCached: boolean
  /** Of `performance.now()`. */
  readonly startedAt: number
  readonly firstAt: number | undefined
}

const toolsMax = 64
const noticesMax = 20

/** An answer with one more piece. */
export function grown(run: Run, piece: ChatPiece): Run {
  const firstAt = run.firstAt ?? performance.now()
  switch (piece.type) {
    case 'start':
      return { ...run, provider: piece.provider ?? run.provider, requestId: piece.requestId ?? run.requestId }
    case 'text':
      return { ...run, firstAt, text: run.text + piece.text }
    case 'reasoning':
      return { ...run, firstAt, reasoning: run.reasoning + piece.text }
    case 'tool':
      return { ...run, firstAt, toolCalls: withTool(run.toolCalls, piece) }
    case 'notice':
      return {
        ...run,
        isCached: run.isCached || piece.code === 'cached',
        ...(piece.code === 'continued' && { provider: piece.about }),
        notices: [...run.notices, { text: said(piece) }].slice(-noticesMax),
      }
  }
}

function withTool(calls: readonly ToolCall[], piece: Extract<ChatPiece, { type: 'tool' }>): readonly ToolCall[] {
  const { index, id, name = '', arguments: more = '' } = piece
  if (index >= toolsMax) return calls
  // Some count from one: what has neither id nor name belongs to the call that was begun last.
  const at = calls[index] === undefined && id === undefined && name === '' ? calls.length - 1 : index
  const before = calls[at]
  if (before === undefined) return [...calls, { id: id ?? `call-${index}`, name, arguments: more }]
  return calls.with(at, { ...before, name: before.name + name, arguments: before.arguments + more })
}

function said({ code, about }: Extract<ChatPiece, { type: 'notice' }>): string {
  switch (code) {
    case 'failover':
      return i18next.t('chat.notice.failover', { count: Number(about) })
    case 'overtook':
      return i18next.t('chat.notice.overtook', { provider: about })
    case 'other_model':
      return i18next.t('chat.notice.otherModel', { model: about })
    case 'cached':
      return i18next.t('chat.notice.cached')
    case 'continued':
      return i18next.t('chat.notice.continued', { provider: about })
  }
}
