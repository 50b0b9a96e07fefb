import type { IncomingMessage } from 'node:http'
import { ParleyError } from '../core/index.ts'
import { inTime } from './in-time.ts'

export interface BodyLimits {
  readonly maxBodyBytes: number
  /** Time for the whole body to arrive. */
  readonly bodyTimeoutMs: number
}

const maxDepth = 64

/** Reads a JSON body within its limits. Throws `too_large`, `too_slow` or `invalid_request`. `onText` sees it before it is parsed. */
export async function readJson(
  request: IncomingMessage,
  limits: BodyLimits,
  signal: AbortSignal,
  onText?: (text: string) => void,
): Promise<unknown> {
  refuseUnreadable(request, limits)
  const bytes = await readBytes(request, limits, signal)
  const text = bytes.toString('utf8')
  onText?.(text)
  if (text.trim() === '') throw new ParleyError('invalid_request', 'the body is empty; send a JSON object')
  refuseDeep(text)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ParleyError('invalid_request', 'the body is not valid JSON', { cause })
  }
}

function refuseUnreadable(request: IncomingMessage, { maxBodyBytes }: BodyLimits): void {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    throw new ParleyError('invalid_request', `the content-type is ${type || 'missing'}; send application/json`)
  }
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    throw new ParleyError('invalid_request', `the content-encoding ${encoding} is not accepted; send the body plain`)
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge(maxBodyBytes)
}

function readBytes(request: IncomingMessage, limits: BodyLimits, signal: AbortSignal): Promise<Buffer> {
  return inTime(collect(request, limits.maxBodyBytes), limits.bodyTimeoutMs, signal)
}

function collect(request: IncomingMessage, maxBodyBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const pieces: Buffer[] = []
  let size = 0
  request.on('data', (piece: Buffer) => {
    size += piece.length
    if (size > maxBodyBytes) {
      request.pause()
      reject(tooLarge(maxBodyBytes))
    } else pieces.push(piece)
  })
  request.once('end', () => resolve(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)))
  request.once('error', cause => reject(new ParleyError('cancelled', 'the caller broke off its request', { cause })))
  return promise
}

function tooLarge(limit: number): ParleyError {
  return new ParleyError('too_large', `the body is larger than ${limit} bytes; send less or raise http.bodyLimitBytes`)
}

/** Nesting is counted before parsing: a body of brackets would exhaust the stack of whoever walks it. */
function refuseDeep(text: string): void {
  let depth = 0
  let isString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (isString) {
      if (char === 92) i++
      else if (char === 34) isString = false
    } else if (char === 34) isString = true
    else if (char === 123 || char === 91) {
      if (++depth > maxDepth) throw new ParleyError('invalid_request', `the body is nested deeper than ${maxDepth}`)
    } else if (char === 125 || char === 93) depth--
  }
}
