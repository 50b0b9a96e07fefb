import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { abortError, ParleyError, type Random, sleep } from '../core/index.ts'
import { writeError } from './disk.ts'
import { statusError } from './hub.ts'
import { type Answered, type RequestOptions, request } from './request.ts'

export interface DownloadOptions extends RequestOptions {
  readonly url: URL
  /** Where the bytes go; what is there already is continued. */
  readonly path: string
  readonly random: Random
  /** Attempts in a row that may bring nothing. */
  readonly attemptsMax: number
  readonly retryBaseMs: number
  /** Silence after which an attempt is given up. */
  readonly idleMs: number
  readonly maxBytes: number
  readonly freeBytes: (directory: string) => Promise<number>
  /** The ETag or date that belongs to the bytes at `path`, when an earlier download left some. */
  readonly validator: string | undefined
  /** Told what the server says of the file, before its bytes come. Throws to stop. */
  readonly onHead: (head: Head) => Promise<void>
  readonly onBytes: (bytes: number) => void
}

export interface Head {
  readonly totalBytes: number | undefined
  /** SHA-256 by the hub. */
  readonly sha256: string | undefined
  readonly validator: string | undefined
}

/** What a failed attempt leaves for the next. */
interface Progress {
  at: number
  totalBytes: number | undefined
  /** ETag or date of the file that was begun: bytes of another file are not appended. */
  validator: string | undefined
}

/** The attempt failed in a way the next may not. */
class Interrupted extends Error {
  readonly waitMs: number | undefined

  constructor(cause: unknown, waitMs?: number) {
    super('the download was interrupted', { cause })
    this.waitMs = waitMs
  }
}

const spareFactor = 1.1

/** Fetches a file into `path`, continuing what is there, trying again after cuts. Returns its length. */
export async function download(options: DownloadOptions): Promise<number> {
  const file = await openPart(options.path)
  try {
    const { validator } = options
    const progress: Progress = { at: (await file.stat()).size, totalBytes: undefined, validator }
    for (let failures = 0; ; ) {
      const before = progress.at
      try {
        await attempt(file, progress, options)
        await file.sync()
        return progress.at
      } catch (cause) {
        failures = progress.at > before ? 1 : failures + 1
        await pause(cause, failures, options)
      }
    }
  } finally {
    await file.close()
  }
}

async function openPart(path: string): Promise<FileHandle> {
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    const file = await open(path, flags, 0o600)
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (cause) {
    throw new ParleyError('conflict', `${path} cannot be written; remove it and try again`, { cause })
  }
  throw new ParleyError('conflict', `${path} is not a file; remove it and try again`)
}

async function attempt(file: FileHandle, progress: Progress, options: DownloadOptions): Promise<void> {
  const idle = new AbortController()
  const signal = AbortSignal.any([options.signal, idle.signal])
  let timer = setTimeout(() => idle.abort(), options.idleMs)
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => idle.abort(), options.idleMs)
  }
  try {
    const answered = await ask(progress, { ...options, signal })
    if (answered === undefined) return
    await begin(file, progress, answered, options)
    for await (const piece of answered.response.body ?? []) {
      heard()
      await write(file, progress, piece, options)
    }
    const { totalBytes, at } = progress
    if (totalBytes !== undefined && at < totalBytes) throw new Interrupted(`${at} of ${totalBytes} bytes came`)
  } catch (cause) {
    if (cause instanceof ParleyError || cause instanceof Interrupted) throw cause
    throw options.signal.aborted ? abortError(options.signal, cause) : new Interrupted(cause)
  } finally {
    clearTimeout(timer)
  }
}

/** Asks for what is missing; undefined when nothing is. */
async function ask(progress: Progress, options: DownloadOptions): Promise<Answered | undefined> {
  const range = progress.at > 0 ? { range: `bytes=${progress.at}-` } : {}
  const condition = progress.at > 0 && progress.validator !== undefined ? { 'if-range': progress.validator } : {}
  const answered = await request(options.url, { ...options, headers: { ...options.headers, ...range, ...condition } })
  const { response } = answered
  if (response.ok) return answered
  await response.body?.cancel()
  if (response.status === 416) return await afterUnsatisfiable(progress, response, options)
  if (response.status !== 429 && response.status !== 408 && response.status < 500) {
    throw statusError(response.status, options.url.pathname)
  }
  throw new Interrupted(statusError(response.status, options.url.pathname), retryAfterMs(response))
}

/** Nothing lies beyond what is here: it is all, or it is too much and must go. */
async function afterUnsatisfiable(
  progress: Progress,
  response: Response,
  options: DownloadOptions,
): Promise<Answered | undefined> {
  const total = Number(/^bytes \*\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN)
  if (total === progress.at) {
    await options.onHead({ totalBytes: total, sha256: undefined, validator: progress.validator })
    options.onBytes(total)
    return undefined
  }
  progress.at = 0
  progress.validator = undefined
  return await ask(progress, options)
}

/** Puts the file where the answer begins, and checks that there is room for the rest. */
async function begin(
  file: FileHandle,
  progress: Progress,
  answered: Answered,
  options: DownloadOptions,
): Promise<void> {
  const { response } = answered
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '')
  const from = response.status === 206 && range !== null ? Number(range[1]) : 0
  if (from !== 0 && from !== progress.at)
    throw new ParleyError('download_failed', 'the server sent another range than asked')
  progress.at = from
  await file.truncate(from)
  const length = response.headers.get('content-length')
  progress.totalBytes =
    range?.[2] && range[2] !== '*' ? Number(range[2]) : length === null ? undefined : from + Number(length)
  progress.validator = validatorOf(response.headers)
  const { totalBytes, validator } = progress
  await options.onHead({ totalBytes, sha256: linkedSum([...answered.passed, response.headers]), validator })
  options.onBytes(from)
  if (totalBytes !== undefined) await checkRoom(totalBytes, from, options)
}

async function checkRoom(totalBytes: number, at: number, options: DownloadOptions): Promise<void> {
  if (totalBytes > options.maxBytes)
    throw new ParleyError('too_large', `the file has ${totalBytes} bytes, more than allowed`)
  const neededBytes = Math.ceil((totalBytes - at) * spareFactor)
  const freeBytes = await options.freeBytes(dirname(options.path))
  if (freeBytes >= neededBytes) return
  const message = `the download needs ${megabytes(neededBytes)} MB, ${megabytes(freeBytes)} MB are free; make room and run it again`
  throw new ParleyError('disk_full', message, { details: { neededBytes, freeBytes } })
}

async function write(file: FileHandle, progress: Progress, piece: Uint8Array, options: DownloadOptions): Promise<void> {
  const { totalBytes = options.maxBytes } = progress
  if (progress.at + piece.length > totalBytes) {
    throw new ParleyError('download_failed', 'the server sent more than it had announced')
  }
  for (let written = 0; written < piece.length; ) {
    written += (await file.write(piece, written, piece.length - written, progress.at + written).catch(writeError))
      .bytesWritten
  }
  progress.at += piece.length
  options.onBytes(progress.at)
}

/** Waits before the next attempt, or throws when there shall be none. */
async function pause(cause: unknown, failures: number, options: DownloadOptions): Promise<void> {
  if (!(cause instanceof Interrupted)) throw cause
  if (failures >= options.attemptsMax) {
    const message = `the download was interrupted ${failures} times in a row; run it again, it resumes`
    throw new ParleyError('download_failed', message, { cause: cause.cause })
  }
  const backoffMs = Math.min(30_000, options.retryBaseMs * 2 ** (failures - 1)) * (0.5 + options.random.fraction() / 2)
  await sleep(Math.max(backoffMs, cause.waitMs ?? 0), options.signal)
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 60) * 1_000 : undefined
}

function validatorOf(headers: Headers): string | undefined {
  const etag = headers.get('etag')
  return etag !== null && !etag.startsWith('W/') ? etag : (headers.get('last-modified') ?? undefined)
}

/** The sum of a file the hub keeps in its large-file store: an ETag of 64 hex digits on the redirect to it. */
function linkedSum(headers: readonly Headers[]): string | undefined {
  for (const each of headers) {
    const sum = /^"?([0-9a-f]{64})"?$/i.exec(each.get('x-linked-etag') ?? '')?.[1]
    if (sum !== undefined) return sum.toLowerCase()
  }
  return undefined
}

function megabytes(bytes: number): string {
  return Math.ceil(bytes / 1_000_000).toLocaleString('en')
}
