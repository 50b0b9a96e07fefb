import { constants } from 'node:fs'
import { copyFile, mkdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Clock, ParleyError, type Random, systemRandom } from '../core/index.ts'
import { freeBytesOf, writeError } from './disk.ts'
import { type DownloadOptions, download } from './download.ts'
import { type PlannedFile, planHub, planUrl } from './hub.ts'
import { locked } from './lock.ts'
import { readNote, writeNoteTo } from './note.ts'
import { type PullProgress, progressReporter } from './progress.ts'
import type { Fetch } from './request.ts'
import { alreadyThere, type PulledModel, settle } from './settle.ts'
import { checkUrl, parseSource, safeName } from './source.ts'

export interface PullOptions {
  /** `hf:user/repo/file.gguf`, `hf:user/repo:Q4_K_M`, an https URL, or a path. */
  readonly source: string
  /** Where models live; made when it is not there. */
  readonly directory: string
  readonly signal: AbortSignal
  /** What the file must be, hex. For a split model: its first part. */
  readonly sha256?: string
  readonly onProgress?: (progress: PullProgress) => void
  readonly fetch?: Fetch
  /** The hub, default `HF_ENDPOINT` of `environment` or https://huggingface.co; its token, default `HF_TOKEN`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly clock?: Clock
  readonly random?: Random
  readonly limits?: Partial<PullLimits>
}

export interface PullLimits {
  readonly attemptsMax: number
  readonly retryBaseMs: number
  readonly idleMs: number
  readonly maxBytes: number
  readonly freeBytes: (directory: string) => Promise<number>
}

const defaults: PullLimits = {
  attemptsMax: 8,
  retryBaseMs: 500,
  idleMs: 60_000,
  maxBytes: 2 ** 41,
  freeBytes: freeBytesOf,
}

/**
 * Brings a model into the directory. An interrupted pull leaves a `.part` and continues there; the file appears under its
 * name only when it is whole and its sum is right. Pulling what is there already does nothing.
 */
export async function pullModel(options: PullOptions): Promise<PulledModel> {
  if (options.sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(options.sha256)) {
    throw new ParleyError('usage', 'sha256 is 64 hex digits')
  }
  const source = parseSource(options.source)
  await mkdir(options.directory, { recursive: true, mode: 0o700 }).catch(writeError)
  if (source.kind === 'file') return await importFile(source.path, options)
  const environment = options.environment ?? process.env
  const endpoint = checkUrl(environment.HF_ENDPOINT || 'https://huggingface.co')
  const token = environment.HF_TOKEN
  const requests = {
    fetch: options.fetch ?? fetch,
    signal: options.signal,
    credential: token ? { origin: endpoint.origin, token } : undefined,
  }
  const files = source.kind === 'url' ? planUrl(source.url) : await planHub(source, endpoint, requests)
  const pulled: PulledModel[] = []
  for (const [index, file] of files.entries()) {
    const wanted = index === 0 ? (options.sha256?.toLowerCase() ?? file.sha256) : file.sha256
    pulled.push(await pullFile({ ...file, sha256: wanted }, options, requests))
  }
  const [first] = pulled
  if (first === undefined) throw new ParleyError('not_found', 'the source names no file')
  const sizeBytes = pulled.reduce((sum, { sizeBytes: bytes }) => sum + bytes, 0)
  return { ...first, sizeBytes, verified: pulled.every(({ verified }) => verified) }
}

type Requests = Pick<DownloadOptions, 'fetch' | 'signal' | 'credential'>

async function pullFile(file: PlannedFile, options: PullOptions, requests: Requests): Promise<PulledModel> {
  const path = join(options.directory, file.name)
  return await locked(`${path}.lock`, async () => {
    const present = await alreadyThere(path, file.sha256, options)
    if (present !== undefined) return present
    const part = `${path}.part`
    let expected = file.sha256
    const report = progressReporter(file, options)
    const validator = await begun(part, file.url.href)
    await download({
      ...defaults,
      ...options.limits,
      ...requests,
      random: options.random ?? systemRandom,
      url: file.url,
      path: part,
      validator,
      onHead: async head => {
        report.total = head.totalBytes ?? report.total
        expected = agreed(expected, head.sha256)
        await writeNoteTo(`${part}.url`, {
          source: file.url.href,
          ...(head.validator && { validator: head.validator }),
        })
      },
      onBytes: report.bytes,
    })
    report.end()
    return await settle(part, path, { expected, source: options.source, signal: options.signal })
  })
}

/** Bytes of another address are not continued: a note beside the `.part` says whose they are. */
async function begun(part: string, url: string): Promise<string | undefined> {
  const known = await readNote(`${part}.url`)
  if (known?.source === url) return known.validator
  await rm(part, { force: true })
  await writeNoteTo(`${part}.url`, { source: url })
  return undefined
}

function agreed(expected: string | undefined, named: string | undefined): string | undefined {
  if (expected === undefined || named === undefined || expected === named) return expected ?? named
  const message = `the hub says the file's sha256 is ${named}, expected was ${expected}; check the source`
  throw new ParleyError('download_failed', message)
}

/** A file of this machine, copied in and checked like a download. */
async function importFile(path: string, options: PullOptions): Promise<PulledModel> {
  const target = join(options.directory, safeName([basename(path)]))
  const found = await stat(path).catch(cause => {
    throw new ParleyError('not_found', `there is no file ${path}`, { cause })
  })
  return await locked(`${target}.lock`, async () => {
    const present = await alreadyThere(target, options.sha256?.toLowerCase(), options)
    if (present !== undefined) return present
    const { freeBytes } = { ...defaults, ...options.limits }
    if ((await freeBytes(options.directory)) < found.size * 1.1) {
      throw new ParleyError('disk_full', `copying needs ${found.size} bytes and a tenth to spare; make room`)
    }
    const part = `${target}.part`
    await rm(part, { force: true })
    await copyFile(path, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE).catch(writeError)
    const expected = options.sha256?.toLowerCase()
    return await settle(part, target, { expected, source: options.source, signal: options.signal })
  })
}
