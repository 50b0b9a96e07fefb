import type { PassOn } from '../core/index.ts'
import type { ErrorBody } from '../openai/index.ts'

const messageCharsMax = 4_096
const fieldCharsMax = 256

/**
 * An upstream's error as the app that asked may see it: OpenAI's four fields and nothing else, whatever dialect it was
 * said in, without keys.
 */
export function passOn(status: number, body: unknown, secrets: readonly string[]): PassOn {
  const said = errorIn(body)
  if (said === undefined) return { status }
  const clean = (text: unknown, most: number) =>
    typeof text === 'string' ? redact(text, secrets).slice(0, most) : undefined
  const message = clean(said.message, messageCharsMax)
  if (message === undefined) return { status }
  const { code } = said
  const error: ErrorBody['error'] = {
    message,
    type: clean(said.type, fieldCharsMax) ?? 'invalid_request_error',
    param: clean(said.param, fieldCharsMax) ?? null,
    code: typeof code === 'number' ? code : (clean(code, fieldCharsMax) ?? null),
  }
  return { status, body: { error } }
}

type Fields = Record<string, unknown>

/** Where servers put their words: `error` as an object or a text, `message` at the top, `detail` from validators. */
function errorIn(body: unknown): Fields | undefined {
  if (!isFields(body)) return undefined
  const { error, message, detail } = body
  if (isFields(error)) return { ...error, message: textOf(error.message) }
  if (typeof error === 'string') return { ...body, message: error }
  return { ...body, message: textOf(message ?? detail) }
}

function textOf(said: unknown): string | undefined {
  if (said === undefined || said === null) return undefined
  return typeof said === 'string' ? said : JSON.stringify(said)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const redacted = '[redacted]'
/** Shorter ones are placeholders such as `none`, which would blot out words. */
const secretCharsMin = 8

const looksSecret = [
  /\b(?:bearer|basic) +[\w~+/.=-]{6,}/gi,
  /\b(?:sk|pk|rk|gsk|xai|hf|key|token)[-_][\w*.-]{6,}/gi,
  /\bAIza[\w-]{20,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /(?<=:\/\/)[^\s/@:]+:[^\s/@]+(?=@)/g,
]

/** Takes out the given secrets, plain and encoded, and whatever looks like a key. */
export function redact(text: string, secrets: readonly string[]): string {
  const forms = secrets.filter(({ length }) => length >= secretCharsMin).flatMap(formsOf)
  const known = forms.reduce((left, form) => left.replaceAll(form, redacted), text)
  return looksSecret.reduce((left, pattern) => left.replace(pattern, redacted), known)
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const encoded = [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]
  return [...new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...encoded])]
}
