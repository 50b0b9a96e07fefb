import type { Backend, Call, CallRecord, Context, RelayedCall, RelayedTasks } from '../core/index.ts'
import { ParleyError, principalName } from '../core/index.ts'
import {
  type FormPart,
  type FormRequest,
  fieldOf,
  ImageRequest,
  isFile,
  type Model,
  ModerationRequest,
  RerankRequest,
  SpeechRequest,
  type Wishes,
} from '../openai/index.ts'
import type { BodyLimits } from './body.ts'
import { checked, contextOf, readCall } from './call.ts'
import type { Exchange, Handler } from './exchange.ts'
import { wishesIn } from './form-wishes.ts'
import { type ModelRoutesOptions, modelsFor } from './model-routes.ts'
import { readForm } from './multipart.ts'
import { answerInPieces } from './piece-answer.ts'
import { answerRaw } from './raw-answer.ts'
import type { Routes } from './routes.ts'
import type { SseWriterOptions } from './sse-writer.ts'
import { createUploadRoom, type UploadRoom } from './upload.ts'

export interface MediaRoutesOptions extends BodyLimits, SseWriterOptions {
  readonly backend: Backend
  /** Whether peers are answered: in pieces, with messages between nodes. */
  readonly isPeer: boolean
  /** Throws for a caller whose files need not be read. */
  readonly admit?: (exchange: Exchange) => void
  /** The models a caller may ask for; all when missing. */
  readonly visibleModels?: NonNullable<ModelRoutesOptions['visibleModels']>
}

/** The limit of the original for sound; the fields and the frame of a form have a little room beside it. */
const maxFileBytes = 25 * 1024 * 1024
const maxUploadBytes = maxFileBytes + 256 * 1024
const uploadsHeldBytes = 512 * 1024 * 1024

/** Pictures, sound, moderation and ranking: relayed to servers that have them, or to peers that sell them. */
export function mediaRoutes(options: MediaRoutesOptions): Routes {
  const room = createUploadRoom(uploadsHeldBytes)
  return {
    'POST /v1/images/generations': askJson('image', ImageRequest, options),
    'POST /v1/images/edits': askForm('imageEdit', 'image', room, options),
    'POST /v1/images/variations': askForm('imageVariation', 'image', room, options),
    'POST /v1/audio/speech': askJson('speech', SpeechRequest, options),
    'POST /v1/audio/transcriptions': askForm('transcription', 'file', room, options),
    'POST /v1/audio/translations': askForm('translation', 'file', room, options),
    'POST /v1/moderations': askJson('moderation', ModerationRequest, options, withModerationModel),
    'POST /v1/rerank': askJson('rerank', RerankRequest, options),
    'POST /rerank': askJson('rerank', RerankRequest, options),
  }
}

type Schema<T> = Parameters<typeof checked<T>>[0]
type Completion = (body: unknown, exchange: Exchange, options: MediaRoutesOptions) => Promise<unknown>

function askJson<T extends keyof RelayedTasks>(
  task: T,
  schema: Schema<RelayedTasks[T]>,
  options: MediaRoutesOptions,
  complete: Completion = async body => body,
): Handler {
  return async exchange => {
    const sent = await readCall(exchange, options)
    const body = checked(schema, await complete(sent, exchange, options))
    await ask(exchange, { task, body } as unknown as RelayedCall, options)
  }
}

function askForm(
  task: Extract<RelayedCall, { body: FormRequest }>['task'],
  file: 'image' | 'file',
  room: UploadRoom,
  options: MediaRoutesOptions,
): Handler {
  const limits = { maxBytes: maxUploadBytes, timeoutMs: options.bodyTimeoutMs }
  return async exchange => {
    options.admit?.(exchange)
    await room.hold(exchange.request, principalName(exchange.principal), maxUploadBytes, async () => {
      const sent = await readForm(exchange.request, limits, exchange.signal)
      noteForm(exchange.record, sent)
      const { form, wishes } = wishesIn(sent)
      if (wishes !== undefined && !options.isPeer) exchange.wishes = wishes
      const body = requestOf(form, file, wishes)
      await ask(exchange, { task, body }, options)
    })
  }
}

/** The fields of a form as they are, of its files what they are. */
function noteForm(record: CallRecord | undefined, form: readonly FormPart[]): void {
  if (!record?.keepsTexts) return
  const fields = form.map(part =>
    isFile(part)
      ? { name: part.name, file: { name: part.file.name, type: part.file.type, bytes: part.file.bytes.length } }
      : part,
  )
  record.input = JSON.stringify(fields)
}

async function ask(exchange: Exchange, call: Call, options: MediaRoutesOptions): Promise<void> {
  const context: Context = contextOf(exchange)
  const reply = options.backend.run(call, context)
  if (options.isPeer) await answerInPieces(exchange.response, reply, options)
  else await answerRaw(exchange, reply, options)
}

/** `file` names the field that has to hold one; the original takes several pictures as `image[]`. */
function requestOf(form: readonly FormPart[], file: string, wishes: Wishes | undefined): FormRequest {
  const model = fieldOf(form, 'model') || wishes?.models?.[0]
  if (!model) throw missing('model', 'the name of a model; see GET /v1/models')
  const isThere = form.some(part => isFile(part) && (part.name === file || part.name === `${file}[]`))
  if (!isThere) throw missing(file, 'the file this request is about')
  if (form.some(part => isFile(part) && part.file.bytes.length > maxFileBytes)) {
    throw new ParleyError('too_large', `a file is larger than ${maxFileBytes} bytes; split it`, { param: file })
  }
  return { model, form: form.filter(({ name }) => name !== 'model') }
}

function missing(param: string, what: string): ParleyError {
  return new ParleyError('invalid_request', `the form has no ${param}; add ${what}`, { param })
}

/** OpenAI's moderation needs no model: here it is the first one listed that is for it. */
async function withModerationModel(body: unknown, exchange: Exchange, options: MediaRoutesOptions) {
  if (typeof body !== 'object' || body === null || (body as { model?: unknown }).model != null) return body
  const model = (await modelsFor(exchange, options)).find(isModerator)?.id
  if (model !== undefined) return { ...body, model }
  const message =
    'no model was named and no provider lists one for moderation; add an upstream that has one to upstreams'
  throw new ParleyError('model_not_found', message, { param: 'model' })
}

function isModerator({ id, capabilities = [] }: Model): boolean {
  return /moderation/i.test(id) || capabilities.includes('moderation')
}
