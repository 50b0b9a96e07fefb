import type { IncomingMessage } from 'node:http'
import { ParleyError } from '../core/index.ts'
import type { FormPart } from '../openai/index.ts'
import { formParts } from './form-parts.ts'
import { readUpload, type UploadLimits } from './upload.ts'

/** Reads a `multipart/form-data` body. Throws `invalid_request`, `too_large`, `timeout`. */
export async function readForm(
  request: IncomingMessage,
  limits: UploadLimits,
  signal: AbortSignal,
): Promise<FormPart[]> {
  const boundary = boundaryOf(request)
  return formParts(await readUpload(request, limits, signal), boundary)
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
