import type { GuardedFetch } from '../../backends/index.ts'
import { type MediaDesk, ParleyError } from '../../core/index.ts'

const imageMaxBytes = 10 * 1024 * 1024
const totalMs = 20_000
/** Images that are held at once. */
const fetchesMax = 8

const headers = {
  accept: 'image/avif,image/webp,image/png,image/jpeg,image/gif',
  'accept-encoding': 'identity',
  'user-agent': 'parley',
}

/** Fetches images somebody asked for by their address. Who serves them learns the address of this node and nothing else. */
export function createMediaDesk({ fetch }: Pick<GuardedFetch, 'fetch'>): MediaDesk {
  let running = 0
  return {
    image: async (url, caller) => {
      if (running >= fetchesMax) {
        throw new ParleyError('overloaded', `${fetchesMax} images are on their way; try again`, {
          retryAfterSeconds: 2,
        })
      }
      running++
      const signal = AbortSignal.any([caller, AbortSignal.timeout(totalMs)])
      try {
        const bytes = await read(await fetch(url, { method: 'GET', headers, signal }))
        const type = rasterType(bytes)
        if (type === undefined)
          throw new ParleyError('invalid_request', 'the address leads to no image', { param: 'url' })
        return { bytes, type }
      } catch (cause) {
        throw ParleyError.from(cause, signal, 'backend_failed')
      } finally {
        running--
      }
    },
  }
}

async function read({ ok, status, headers, body }: Response): Promise<Uint8Array> {
  const isTooLarge = Number(headers.get('content-length')) > imageMaxBytes
  if (!ok || isTooLarge) await body?.cancel()
  if (!ok) throw new ParleyError('backend_failed', `the address of the image answers ${status}; open it elsewhere`)
  if (isTooLarge) throw tooLarge()
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body ?? []) {
    size += piece.length
    if (size > imageMaxBytes) throw tooLarge()
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function tooLarge(): ParleyError {
  return new ParleyError('too_large', `the image is larger than ${imageMaxBytes} bytes; open it elsewhere`)
}

/** By how the bytes begin, whatever the server calls them. Drawings that hold script, such as SVG, are none of these. */
export function rasterType(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.subarray(0, 64)).toString('latin1')
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (/^GIF8[79]a/.test(text)) return 'image/gif'
  if (/^RIFF.{4}WEBP/s.test(text)) return 'image/webp'
  return /^.{4}ftyp(?:avif|avis|.{4}.{4}(?:.{4})*?avi[fs])/s.test(text) ? 'image/avif' : undefined
}
