import type { Attachment } from '../../storage/documents.ts'

/** Files that go with a prompt: pictures made small enough, and texts. */

/** More pixels tell models nothing. */
const edgeMaxPx = 1_568
const imageMaxBytes = 30 * 1024 * 1024
const textMaxBytes = 1024 * 1024
/** All pictures of a prompt, as they are sent. */
const totalMaxLetters = 16 * 1024 * 1024
export const attachmentsMax = 10
const jpegQuality = 0.85
/** A picture with more letters than this as PNG is sent as JPEG, unless that is larger. */
const pngMaxLetters = 700_000

export type Refusal = 'kind' | 'image_bytes' | 'text_bytes' | 'unreadable' | 'count' | 'total' | 'empty'

export interface Refused {
  readonly name: string
  readonly why: Refusal
}

const imageTypes = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/avif', 'image/bmp'])

/** Reads files one after the other, beside those there are. What cannot be taken is told. */
export async function readFiles(
  files: readonly File[],
  already: readonly Attachment[],
): Promise<{ readonly taken: readonly Attachment[]; readonly refused: readonly Refused[] }> {
  const taken: Attachment[] = []
  const refused: Refused[] = []
  let letters = already.reduce((sum, { dataUrl = '' }) => sum + dataUrl.length, 0)
  for (const file of files) {
    const read = already.length + taken.length >= attachmentsMax ? 'count' : await readOne(file)
    if (typeof read === 'string') refused.push({ name: file.name, why: read })
    else if (letters + (read.dataUrl?.length ?? 0) > totalMaxLetters) refused.push({ name: file.name, why: 'total' })
    else {
      letters += read.dataUrl?.length ?? 0
      taken.push(read)
    }
  }
  return { taken, refused }
}

async function readOne(file: File): Promise<Attachment | Refusal> {
  if (file.size === 0) return 'empty'
  return imageTypes.has(file.type) ? await readImage(file) : await readText(file)
}

async function readImage(file: File): Promise<Attachment | Refusal> {
  if (file.size > imageMaxBytes) return 'image_bytes'
  try {
    const picture = await createImageBitmap(file)
    const scale = Math.min(1, edgeMaxPx / Math.max(picture.width, picture.height))
    const canvas = document.createElement('canvas')
    canvas.width = Math.max(1, Math.round(picture.width * scale))
    canvas.height = Math.max(1, Math.round(picture.height * scale))
    canvas.getContext('2d')!.drawImage(picture, 0, 0, canvas.width, canvas.height)
    picture.close()
    const dataUrl = urlOf(canvas, file.type)
    const mediaType = dataUrl.slice('data:'.length, dataUrl.indexOf(';'))
    return { ...named(file), mediaType, kind: 'image', bytes: Math.round(dataUrl.length * 0.75), dataUrl }
  } catch {
    return 'unreadable'
  }
}

/** Drawn anew, so that what a camera wrote into the file does not go along. */
function urlOf(canvas: HTMLCanvasElement, type: string): string {
  if (type === 'image/jpeg') return canvas.toDataURL('image/jpeg', jpegQuality)
  const png = canvas.toDataURL('image/png')
  if (png.length <= pngMaxLetters) return png
  const jpeg = canvas.toDataURL('image/jpeg', jpegQuality)
  return jpeg.length < png.length ? jpeg : png
}

async function readText(file: File): Promise<Attachment | Refusal> {
  if (/^(?:image|audio|video|font)\//.test(file.type)) return 'kind'
  if (file.size > textMaxBytes) return isLikelyText(file) ? 'text_bytes' : 'kind'
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer())
    if (text.includes('\0')) return 'kind'
    return { ...named(file), mediaType: file.type || 'text/plain', kind: 'text', bytes: file.size, text }
  } catch {
    return 'kind'
  }
}

function isLikelyText({ type, name }: File): boolean {
  return type.startsWith('text/') || /\.(?:txt|md|csv|json|log|ts|js|py|xml|ya?ml|toml|html|css|sql|sh)$/i.test(name)
}

function named({ name }: File): Pick<Attachment, 'id' | 'name'> {
  return { id: crypto.randomUUID(), name: name.slice(0, 200) || 'file' }
}
