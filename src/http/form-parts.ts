import { ParleyError } from '../core/index.ts'
import type { FormPart } from '../openai/index.ts'

const maxParts = 128
const maxPartHeadBytes = 8 * 1024
const maxFieldBytes = 1024 * 1024

const lineEnd = '\r\n'
const headEnd = Buffer.from('\r\n\r\n')

/**
 * Takes a `multipart/form-data` body apart. Files are slices of it: a body in memory is held once, however large its files
 * are. Throws `invalid_request`, or `too_large` for a field.
 */
export function formParts(body: Buffer, boundary: string): FormPart[] {
  const delimiter = Buffer.from(`${lineEnd}--${boundary}`)
  const parts: FormPart[] = []
  let mark = body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2)) ? -2 : body.indexOf(delimiter)
  for (;;) {
    const after = mark + delimiter.length
    if (mark === -1) throw malformed('cannot be taken apart; send parts that end with the closing boundary')
    if (body.toString('latin1', after, after + 2) === '--') return parts
    if (parts.length === maxParts) throw malformed(`has more than ${maxParts} parts; send fewer`)
    const head = body.subarray(after, after + maxPartHeadBytes)
    const headLength = head.indexOf(headEnd)
    if (headLength === -1) {
      throw malformed(`has a part without an end of its headers within ${maxPartHeadBytes} bytes; correct it`)
    }
    const start = after + headLength + headEnd.length
    mark = body.indexOf(delimiter, start)
    if (mark !== -1) parts.push(partOf(head.toString('utf8', 0, headLength), body.subarray(start, mark)))
  }
}

function partOf(head: string, content: Buffer): FormPart {
  const headers = headersOf(head)
  const disposition = headers.get('content-disposition') ?? ''
  const name = parameterOf(disposition, 'name')
  if (!/^form-data *;/i.test(disposition) || name === undefined) {
    throw malformed('has a part without a name; send content-disposition: form-data; name="…" with each')
  }
  const fileName = parameterOf(disposition, 'filename')
  if (fileName !== undefined) {
    return { name, file: { name: fileName, type: headers.get('content-type') ?? '', bytes: content } }
  }
  if (content.length > maxFieldBytes) {
    throw new ParleyError('too_large', `a form field is larger than ${maxFieldBytes} bytes; send less`)
  }
  return { name, value: content.toString('utf8') }
}

/** What stands behind the delimiter on its line is no header. */
function headersOf(head: string): Map<string, string> {
  const lines = head.split(lineEnd).slice(1)
  return new Map(
    lines.map(line => {
      const colon = line.indexOf(':')
      if (colon < 1) throw malformed('has a part with a header that is none; correct it')
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}

/** Browsers write what would end the quotes, or the line, as they do in URLs; others put a backslash before it. */
function parameterOf(disposition: string, name: string): string | undefined {
  const value = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s";]+))`, 'i').exec(disposition)
  if (value === null) return undefined
  const text = value[1]?.replaceAll(/\\(["\\])/g, '$1') ?? value[2] ?? ''
  return text.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n')
}

function malformed(what: string): ParleyError {
  return new ParleyError('invalid_request', `the form ${what}`)
}
