/** A request with files: pictures to change (`image`, `mask`), sound to write down (`file`). The model is not among the fields. */
export interface FormRequest {
  readonly model: string
  readonly form: readonly FormPart[]
}

/** A field of a `multipart/form-data` body: its text, or the file it holds. */
export type FormPart = FormField | FormFile

export interface FormField {
  readonly name: string
  readonly value: string
}

export interface FormFile {
  readonly name: string
  readonly file: {
    /** As the app named it; empty for none. */
    readonly name: string
    /** Media type; empty when the app gave none. */
    readonly type: string
    readonly bytes: Uint8Array
  }
}

export function isFile(part: FormPart): part is FormFile {
  return 'file' in part
}

/** The text of the first field of that name. */
export function fieldOf(form: readonly FormPart[], name: string): string | undefined {
  return form.find((part): part is FormField => !isFile(part) && part.name === name)?.value
}

/** A form as it goes on the wire. The same form gives the same fields and bytes every time; only the boundary is the caller's. */
export function encodeForm(form: readonly FormPart[], boundary: string): Uint8Array[] {
  const pieces = form.flatMap(part => {
    const body = isFile(part) ? part.file.bytes : Buffer.from(part.value)
    return [Buffer.from(`--${boundary}\r\n${headersOf(part)}\r\n\r\n`), body, lineEnd]
  })
  return [...pieces, Buffer.from(`--${boundary}--\r\n`)]
}

const lineEnd = Buffer.from('\r\n')
const plainType = /^[\w.+-]+\/[\w.+-]+(?:; ?[\x20-\x7e]*)?$/

function headersOf(part: FormPart): string {
  const disposition = `content-disposition: form-data; name="${quoted(part.name)}"`
  if (!isFile(part)) return disposition
  const { name, type } = part.file
  const safeType = plainType.test(type) ? type : 'application/octet-stream'
  return `${disposition}; filename="${quoted(name)}"\r\ncontent-type: ${safeType}`
}

/** What would end the quotes, or the line, as browsers write it. */
function quoted(text: string): string {
  return text.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
}
