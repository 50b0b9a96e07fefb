import { ParleyError } from '../core/index.ts'
import type { Folder } from '../openai/index.ts'

/** Of what chunks take on the wire, which is more than what is kept of them. */
const maxFoldedBytes = 128 * 1024 * 1024

/** A folder that takes so much and no more: what a stream would pass on, it keeps. */
export function boundedFolder(folder: Folder, maxBytes = maxFoldedBytes): Folder {
  let takenBytes = 0
  return {
    add: chunk => {
      takenBytes += chunk.size
      if (takenBytes > maxBytes) {
        const message = `the answer is larger than ${maxBytes} bytes; ask for less, or with stream: true`
        throw new ParleyError('backend_failed', message)
      }
      folder.add(chunk)
    },
    body: counted => folder.body(counted),
  }
}
