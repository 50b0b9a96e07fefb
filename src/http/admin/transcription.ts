import { z } from 'zod'
import { type Backend, ParleyError, principalName, type RelayedCall, type Reply } from '../../core/index.ts'
import { type FormPart, fieldOf, isFile, type Model } from '../../openai/index.ts'
import { contextOf } from '../call.ts'
import type { Exchange } from '../exchange.ts'
import { type ModelRoutesOptions, modelsFor } from '../model-routes.ts'
import { readForm } from '../multipart.ts'
import { createUploadRoom, type UploadRoom } from '../upload.ts'
import { type AdminRoute, declareIn } from './route.ts'

export interface TranscriptionOptions {
  /** What answers apps. */
  readonly backend: Backend
  readonly visibleModels?: NonNullable<ModelRoutesOptions['visibleModels']>
  /** Whether an API path is served; all are when missing. */
  readonly isOpen?: (path: string) => boolean
  /** Time for a whole upload to arrive. */
  readonly bodyTimeoutMs: number
}

const declare = declareIn('transcription')

const Transcript = z.object({
  text: z.string(),
  model: z.string().describe('The model that answered.'),
  provider: z.string(),
})

const maxFileBytes = 25 * 1024 * 1024
const maxUploadBytes = maxFileBytes + 64 * 1024
const uploadsHeldBytes = 256 * 1024 * 1024
const maxAnswerBytes = 4 * 1024 * 1024
/** So many other models are asked when nobody could with the first. */
const fallbacksMax = 7

export const transcriptionPath = '/transcription'
/** The API path whose calls these are. */
export const transcriptionCallPath = '/v1/audio/transcriptions'

/** Sound to text for pages: calls like those of `/v1/audio/transcriptions`, with a model that is found by itself. */
export function transcriptionRoutes(options: TranscriptionOptions): AdminRoute[] {
  const room = createUploadRoom(uploadsHeldBytes)
  return [
    declare(
      `GET ${transcriptionPath}`,
      {
        access: 'user',
        takesKeys: true,
        summary: 'Whether sound can be turned into text here, and by which models.',
        answer: z.object({ available: z.boolean(), models: z.array(z.string()).readonly() }),
      },
      async ({ exchange }) => {
        const models = await transcribers(exchange, options)
        return { available: models.length > 0, models }
      },
    ),
    declare(
      `POST ${transcriptionPath}`,
      {
        access: 'user',
        takesKeys: true,
        isTold: false,
        summary: 'Turns sound into text. Without a model the first that can is asked, then the others that can.',
        form: z.object({
          file: z.file().describe('The sound, 25 MB at most.'),
          model: z.string().optional(),
          language: z.string().optional().describe('ISO 639-1.'),
          prompt: z.string().optional().describe('What the sound is about, or how names are written.'),
        }),
        answer: Transcript,
      },
      async ({ exchange }) => await transcribed(exchange, options, room),
    ),
  ]
}

/** Models of this caller that are said to hear, or called like those that do. */
async function transcribers(exchange: Exchange, options: TranscriptionOptions): Promise<string[]> {
  if (options.isOpen?.(transcriptionCallPath) === false) return []
  const models = await modelsFor(exchange, options)
  return models.filter(canTranscribe).map(({ id }) => id)
}

function canTranscribe({ id, capabilities = [], pricing }: Model): boolean {
  if (capabilities.includes('transcription') || pricing?.unit === 'seconds') return true
  return /whisper|transcri|parakeet|\bstt\b|speech-to-text/i.test(id) && !capabilities.includes('chat')
}

async function transcribed(
  exchange: Exchange,
  options: TranscriptionOptions,
  room: UploadRoom,
): Promise<z.input<typeof Transcript>> {
  const { request, principal, signal } = exchange
  if (options.isOpen?.(transcriptionCallPath) === false) {
    throw new ParleyError('not_found', `${transcriptionCallPath} is closed on this node; open it in its endpoints`)
  }
  return await room.hold(request, principalName(principal), maxUploadBytes, async () => {
    const limits = { maxBytes: maxUploadBytes, timeoutMs: options.bodyTimeoutMs }
    const form = await readForm(request, limits, signal)
    const file = fileIn(form)
    const named = fieldOf(form, 'model')
    const [model, ...others] = named ? [named] : await transcribers(exchange, options)
    if (model === undefined) throw nobody()
    if (others.length > 0) exchange.wishes = { models: others.slice(0, fallbacksMax) }
    const fields = ['language', 'prompt'].flatMap(name => fieldPart(name, fieldOf(form, name)))
    const body = { model, form: [file, ...fields, { name: 'response_format', value: 'json' }] }
    noteFile(exchange, file)
    const call: RelayedCall = { task: 'transcription', body }
    const text = await textOf(options.backend.run(call, contextOf(exchange)))
    const { record, route } = exchange
    if (record?.keepsTexts) record.output = text
    return { text, model: route?.shownModel ?? route?.model ?? model, provider: route?.servedBy ?? '' }
  })
}

function fileIn(form: readonly FormPart[]): Extract<FormPart, { file: unknown }> {
  const file = form.filter(isFile).find(({ name }) => name === 'file')
  if (file === undefined) {
    throw new ParleyError('invalid_request', 'the form has no file; add the sound as file', { param: 'file' })
  }
  if (file.file.bytes.length <= maxFileBytes) return file
  throw new ParleyError('too_large', `the file is larger than ${maxFileBytes} bytes; split it`, { param: 'file' })
}

function fieldPart(name: string, value: string | undefined): FormPart[] {
  return value ? [{ name, value }] : []
}

function nobody(): ParleyError {
  const message =
    'no model that turns sound into text is listed; add an upstream that has one, such as whisper-1, or name a model'
  return new ParleyError('model_not_found', message, { param: 'model' })
}

/** All of an answer, read to the end of its bookkeeping: what fails there takes nothing away from it. */
async function textOf(reply: Reply): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  let isJson = true
  let isWhole = false
  try {
    for (let step = await reply.next(); step.done !== true; step = await reply.next()) {
      const { contentType, isLast = false } = step.value.meta
      isWhole = isLast
      if (contentType !== undefined) isJson = !contentType.startsWith('text/plain')
      bytes += step.value.bytes.length
      if (bytes > maxAnswerBytes) throw new ParleyError('backend_failed', 'the transcript is too long; split the file')
      pieces.push(step.value.bytes)
    }
  } catch (cause) {
    if (!isWhole) throw cause
  } finally {
    await reply.return(undefined as never)
  }
  const said = Buffer.concat(pieces).toString('utf8')
  return isJson ? textIn(said) : said
}

function textIn(said: string): string {
  let body: unknown
  try {
    body = JSON.parse(said)
  } catch (cause) {
    throw new ParleyError('backend_failed', 'the transcript is no JSON; ask another model', { cause })
  }
  const { text } = Object(body) as { text?: unknown }
  if (typeof text === 'string') return text
  throw new ParleyError('backend_failed', 'the transcript has no text; ask another model')
}

/** Of the sound what it is, where texts are kept. */
function noteFile({ record }: Exchange, { file }: ReturnType<typeof fileIn>): void {
  if (!record?.keepsTexts) return
  const { name, type, bytes } = file
  record.input = JSON.stringify([{ name: 'file', file: { name, type, bytes: bytes.length } }])
}
