import { unzipSync } from 'fflate'
import type { Collection } from '../port.ts'
import type { Sealed } from '../sealed.ts'
import { isChatGpt, isOpenWebUi, readChatGpt, readOpenWebUi } from './foreign.ts'
import { isOwn, readOwn, sealedKeysOf } from './own-format.ts'
import { createReport, type Draft, type SkipReason } from './report.ts'

export type FileFormat = 'own' | 'chatgpt' | 'open_webui'

export interface FileContent extends Draft {
  readonly format: FileFormat | undefined
  readonly keys?: Sealed | undefined
}

export const fileMostBytes = 50 * 1024 * 1024
/** Text does not shrink more than that; what does was made to fill the memory. */
const ratioMost = 20
const entriesMost = 20_000
const depthMost = 200

/** What a file holds. Nothing in it makes this throw: what cannot be read is told as skipped. */
export async function readFile(bytes: Uint8Array): Promise<FileContent> {
  if (bytes.length > fileMostBytes) return refused('too_large')
  if (!isZip(bytes)) return readText(bytes)
  const texts = unzipped(bytes)
  if (typeof texts === 'string') return refused(texts)
  const contents: FileContent[] = []
  for (const text of texts) contents.push(await readText(text))
  const useful = contents.filter(({ format }) => format !== undefined)
  return useful.length === 0 ? refused('unknown_format') : useful.reduce(joined)
}

function joined(one: FileContent, other: FileContent): FileContent {
  const { chats, messages, folders } = other.collection
  const collection: Collection = {
    chats: [...one.collection.chats, ...chats],
    messages: [...one.collection.messages, ...messages],
    folders: [...one.collection.folders, ...folders],
  }
  return { ...one, collection, skipped: [...one.skipped, ...other.skipped] }
}

function isZip([a, b, c, d]: Uint8Array): boolean {
  return a === 0x50 && b === 0x4b && c === 3 && d === 4
}

/** Its JSON files, where neither their number nor their size is made to do harm. */
function unzipped(bytes: Uint8Array): readonly Uint8Array[] | SkipReason {
  let entries = 0
  let total = 0
  let problem: SkipReason | undefined
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        if (++entries > entriesMost) problem = 'bad_zip'
        if (problem !== undefined || !/(?:^|\/)(?:conversations(?:-\d+)?|chat-export.*|parley.*)\.json$/.test(name)) {
          return false
        }
        total += originalSize
        if (originalSize > size * ratioMost) problem = 'bad_zip'
        if (total > fileMostBytes) problem = 'too_large'
        return problem === undefined
      },
    })
    return problem ?? Object.values(files)
  } catch {
    return problem ?? 'bad_zip'
  }
}

async function readText(bytes: Uint8Array): Promise<FileContent> {
  let value: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (isTooDeep(text)) return refused('too_deep')
    value = JSON.parse(text)
  } catch {
    return refused('not_json')
  }
  if (isOwn(value)) return { ...readOwn(value), format: 'own', keys: sealedKeysOf(value) }
  if (isChatGpt(value)) return { ...(await readChatGpt(value)), format: 'chatgpt' }
  if (isOpenWebUi(value)) return { ...(await readOpenWebUi(value)), format: 'open_webui' }
  return refused('unknown_format')
}

/** Before it is parsed, and without recursion. */
export function isTooDeep(text: string): boolean {
  let depth = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isInString) {
      if (code === 0x5c) at++
      else if (code === 0x22) isInString = false
    } else if (code === 0x22) isInString = true
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMost) return true
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return false
}

function refused(reason: SkipReason): FileContent {
  const report = createReport()
  report.skip(reason, '–')
  return { ...report.draft(), format: undefined }
}
