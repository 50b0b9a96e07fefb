import type { IncomingMessage } from 'node:http'
import { ParleyError } from '../core/index.ts'
import type { FormPart } from '../openai/index.ts'
import { readUpload, type UploadLimits } from './upload.ts'

const maxParts = 128
const maxPartHeadBytes = 8 * 1024
const maxFieldBytes = 1024 * 1024
const lineFeed = 10

/**
 * Reads a `multipart/form-data` body. The platform's parser takes it apart; how many parts there are and how long their
 * heads is looked at before, as it has no limits of its own. Throws `invalid_request`, `too_large`, `timeout`.
 */
export async function readForm(
  request: IncomingMessage,
  limits: UploadLimits,
  signal: AbortSignal,
): Promise<FormPart[]> {
  const boundary = boundaryOf(request)
  const bytes = await readUpload(request, limits, signal)
  refuseOddParts(bytes, boundary)
  const form = await parsed(bytes, boundary)
  return await Promise.all([...form].map(([name, value]) => partOf(name, value)))
}

function boundaryOf({ headers }: IncomingMessage): string {
  const type = headers['content-type'] ?? ''
  if (!/^multipart\/form-data\b/i.test(type)) {
    throw new ParleyError('invalid_request', `the content-type is ${type || 'missing'}; send multipart/form-data`)
  }
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    throw new ParleyError('invalid_request', `the content-encoding ${encoding} is not accepted; send the body plain`)
  }
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(type) ?? []
  const boundary = quoted ?? plain ?? ''
  if (/^[\w'()+,./:=?-]+$/.test(boundary)) return boundary
  throw new ParleyError('invalid_request', 'the content-type names no valid boundary; add one of at most 70 characters')
}

function refuseOddParts(bytes: Buffer, boundary: string): void {
  const mark = Buffer.from(`--${boundary}`)
  let marks = 0
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + mark.length)) {
    if (at > 0 && bytes[at - 1] !== lineFeed) continue
    if (++marks > maxParts + 1) throw malformed(`has more than ${maxParts} parts; send fewer`)
    const after = at + mark.length
    if (bytes.toString('latin1', after, after + 2) === '--') continue
    if (bytes.subarray(after, after + maxPartHeadBytes).indexOf('\r\n\r\n') === -1) {
      throw malformed(`has a part without an end of its headers within ${maxPartHeadBytes} bytes; correct it`)
    }
  }
}

async function parsed(bytes: Buffer<ArrayBuffer>, boundary: string): Promise<FormData> {
  const headers = { 'content-type': `multipart/form-data; boundary="${boundary}"` }
  try {
    return await new Response(bytes, { headers }).formData()
  } catch (cause) {
    throw malformed('cannot be taken apart; send parts that end with the closing boundary', cause)
  }
}

async function partOf(name: string, value: string | File): Promise<FormPart> {
  if (typeof value !== 'string') {
    return { name, file: { name: value.name, type: value.type, bytes: await value.bytes() } }
  }
  if (Buffer.byteLength(value) > maxFieldBytes) {
    throw new ParleyError('too_large', `a form field is larger than ${maxFieldBytes} bytes; send less`)
  }
  return { name, value }
}

function malformed(what: string, cause?: unknown): ParleyError {
  return new ParleyError('invalid_request', `the form ${what}`, { cause })
}
