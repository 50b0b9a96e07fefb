import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, statSync, writeSync } from 'node:fs'
import { type FileHandle, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

export interface SpoolOptions {
  readonly folder: string
  /** The most all files together may hold. */
  readonly maxBytes?: number
  /** A file this long is closed and another one begun. */
  readonly segmentBytes?: number
}

/**
 * Batches that wait on disk, in files that are only appended to, oldest first. What `append` has returned for survives a
 * crash of the process and a loss of power; what a crash has cut off is left out. A file goes when all that is in it is
 * done, so after a crash some batches come again: whoever takes them must not mind.
 */
export interface Spool {
  readonly isEmpty: () => boolean
  readonly bytes: () => number
  /** False where there is no room, on the disk or within the bound: the batch is not kept. */
  readonly append: (batch: string) => Promise<boolean>
  /** The same without waiting for anything, for the last moment of a process. */
  readonly appendNow: (batch: string) => boolean
  /** Hands over the batches of the oldest file in order, then deletes it. When `take` throws the file stays. */
  readonly drainOldest: (take: (batch: string) => Promise<void>) => Promise<void>
  readonly close: () => Promise<void>
}

const defaultMaxBytes = 256 * 1024 * 1024
const defaultSegmentBytes = 4 * 1024 * 1024
/** Length and checksum of what follows. */
const headerBytes = 8
const suffix = '.spool'

interface Segment {
  readonly path: string
  bytes: number
  /** Batches of it that were handed over already, in this process. */
  done: number
}

export function openSpool({
  folder,
  maxBytes = defaultMaxBytes,
  segmentBytes = defaultSegmentBytes,
}: SpoolOptions): Spool {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const names = readdirSync(folder).filter(name => name.endsWith(suffix))
  const segments = names.sort().map((name): Segment => {
    const path = join(folder, name)
    return { path, bytes: statSync(path).size, done: 0 }
  })
  let next = Number.parseInt(names.at(-1) ?? '0', 10) + 1
  let current: { readonly segment: Segment; readonly file: FileHandle } | undefined
  const total = () => segments.reduce((sum, { bytes }) => sum + bytes, 0)

  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
  const newPath = () => join(folder, `${String(next++).padStart(12, '0')}${suffix}`)
  const begin = async () => {
    const path = newPath()
    const file = await open(path, 'ax', 0o600)
    const segment = { path, bytes: 0, done: 0 }
    segments.push(segment)
    return { segment, file }
  }
  /** Nothing follows what may be torn, or is being handed over. */
  const finish = async () => {
    const file = current?.file
    current = undefined
    await file?.close()
  }
  return {
    isEmpty: () => segments.length === 0,
    bytes: total,
    append: batch =>
      inTurn(async () => {
        const record = framed(batch)
        if (total() + record.length > maxBytes) return false
        try {
          current ??= await begin()
          const { segment, file } = current
          segment.bytes += record.length
          await file.writeFile(record)
          await file.datasync()
          if (segment.bytes >= segmentBytes && current?.segment === segment) await finish()
          return true
        } catch {
          await finish().catch(() => undefined)
          return false
        }
      }),
    appendNow: batch => {
      const record = framed(batch)
      if (total() + record.length > maxBytes) return false
      try {
        const path = newPath()
        const file = openSync(path, 'ax', 0o600)
        writeSync(file, record)
        fsyncSync(file)
        closeSync(file)
        segments.push({ path, bytes: record.length, done: 0 })
        return true
      } catch {
        return false
      }
    },
    drainOldest: async take => {
      const segment = segments[0]
      if (segment === undefined) return
      await inTurn(async () => {
        if (current?.segment === segment) await finish()
      })
      const batches = unframed(await readFile(segment.path))
      for (const batch of batches.slice(segment.done)) {
        await take(batch)
        segment.done++
      }
      await rm(segment.path, { force: true })
      segments.splice(segments.indexOf(segment), 1)
    },
    close: () => inTurn(finish),
  }
}

function framed(text: string): Buffer {
  const body = Buffer.from(text)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(body.length, 0)
  header.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([header, body])
}

/** Up to the first batch that is cut off or was changed. */
function unframed(bytes: Buffer): string[] {
  const batches: string[] = []
  let at = 0
  while (at + headerBytes <= bytes.length) {
    const body = bytes.subarray(at + headerBytes, at + headerBytes + bytes.readUInt32BE(at))
    if (body.length < bytes.readUInt32BE(at) || crc32(body) !== bytes.readUInt32BE(at + 4)) break
    batches.push(body.toString())
    at += headerBytes + body.length
  }
  return batches
}
