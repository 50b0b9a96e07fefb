import { ParleyError } from '../core/index.ts'
import type { Folder } from '../openai/index.ts'

const maxFoldedBytes = 64 * 1024 * 1024
const bytesPerValue = 8

/**
 * A folder that takes so much and no more: what a stream would pass on, it keeps. Counted is what choices hold and what no
 * chunk before had beside them, about as it lies in memory; the frame each chunk repeats is kept once.
 */
export function boundedFolder(folder: Folder, maxBytes = maxFoldedBytes): Folder {
  let keptBytes = 0
  const seen = new Set<string>()
  return {
    add: chunk => {
      const { choices, ...frame } = { ...(chunk.json() as Record<string, unknown> | null) }
      keptBytes += sizeOf(choices)
      for (const [field, value] of Object.entries(frame)) {
        if (!seen.has(field)) keptBytes += field.length + sizeOf(value)
        seen.add(field)
      }
      if (keptBytes > maxBytes) {
        const message = `the answer is larger than ${maxBytes} bytes; ask for less, or with stream: true`
        throw new ParleyError('backend_failed', message)
      }
      folder.add(chunk)
    },
    body: counted => folder.body(counted),
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return bytesPerValue
  // Vectors are long, and all their values are alike.
  if (Array.isArray(value) && typeof value[0] === 'number') return value.length * bytesPerValue
  let size = bytesPerValue
  for (const [field, inner] of Object.entries(value)) size += field.length + sizeOf(inner)
  return size
}
