import { ParleyError } from '../core/index.ts'
import { type RequestOptions, request } from './request.ts'
import { isFilePath, partNames, type Source, safeName, urlFileName } from './source.ts'

/** A file to fetch: from where, under which name it will be kept, and what is known of it. */
export interface PlannedFile {
  readonly url: URL
  readonly name: string
  readonly sha256: string | undefined
  readonly sizeBytes: number | undefined
}

type HubSource = Extract<Source, { kind: 'hub' }>

/** A file as the hub lists it. */
interface Listed {
  readonly path: string
  readonly sizeBytes?: number | undefined
  readonly sha256?: string | undefined
}

const listedMax = 10_000
const listingBytesMax = 8 * 1024 * 1024

/** The files of a model in a repository of the hub at `endpoint`. */
export async function planHub(source: HubSource, endpoint: URL, options: RequestOptions): Promise<PlannedFile[]> {
  const { pick } = source
  if ('file' in pick) {
    return partNames(pick.file).map(path => planned(source, endpoint, { path }))
  }
  const listed = await listFiles(source, endpoint, options)
  const wanted = listed.filter(entry => isOfQuantization(entry.path, pick.quantization))
  const first = wanted.find(entry => /-00001-of-\d{5}\.gguf$/i.test(entry.path)) ?? wanted[0]
  if (first === undefined) throw notThere(source.repository, pick.quantization, listed)
  const byPath = new Map(listed.map(entry => [entry.path, entry]))
  return partNames(first.path).map(path => planned(source, endpoint, byPath.get(path) ?? { path }))
}

/** The files of a model at an address. */
export function planUrl(url: URL): PlannedFile[] {
  return partNames(urlFileName(url)).map(name => {
    const target = new URL(url)
    if (name !== urlFileName(url)) target.pathname = target.pathname.replace(/[^/]*$/, encodeURIComponent(name))
    return { url: target, name: safeName([url.hostname, name]), sha256: undefined, sizeBytes: undefined }
  })
}

function planned({ repository, revision }: HubSource, endpoint: URL, { path, sizeBytes, sha256 }: Listed): PlannedFile {
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  return {
    url: new URL(`${base(endpoint)}/${repository}/resolve/${revision}/${encoded}`),
    name: safeName([...repository.split('/'), ...path.split('/')]),
    sha256,
    sizeBytes,
  }
}

async function listFiles(
  { repository, revision }: HubSource,
  endpoint: URL,
  options: RequestOptions,
): Promise<Listed[]> {
  const url = new URL(`${base(endpoint)}/api/models/${repository}/tree/${revision}?recursive=true`)
  const { response } = await request(url, options)
  if (!response.ok) throw statusError(response.status, `the repository ${repository}`)
  const tree = parseJson(await limitedText(response))
  if (!Array.isArray(tree) || tree.length > listedMax) {
    throw new ParleyError('download_failed', `the hub's list of ${repository} makes no sense`)
  }
  return tree.flatMap(listedFrom)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ParleyError('download_failed', "the hub's list of files is not JSON", { cause })
  }
}

/** The entry when it is a file whose name is harmless; what else a hub lists is of no use here. */
function listedFrom(entry: unknown): Listed[] {
  const { type, path, size, lfs } = Object(entry) as Record<string, unknown>
  if (type !== 'file' || typeof path !== 'string' || !isFilePath(path.split('/'))) return []
  const { oid, size: storedSize } = Object(lfs) as Record<string, unknown>
  const sum = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(String(oid))?.[1]?.toLowerCase()
  const sizeBytes = [storedSize, size].find(value => Number.isSafeInteger(value)) as number | undefined
  return [{ path, sizeBytes, sha256: sum }]
}

async function limitedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of response.body ?? []) {
    length += piece.length
    if (length > listingBytesMax) throw new ParleyError('download_failed', "the hub's list of files is too long")
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** `Q4_K_M` names `model-Q4_K_M.gguf` and not `model-Q4_K_M_L.gguf`; projections of vision models are not models. */
function isOfQuantization(path: string, quantization: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  if (name.includes('mmproj')) return false
  const words = name.replace(/(-\d{5}-of-\d{5})?\.gguf$/, '')
  const wanted = quantization.toLowerCase()
  return (
    words === wanted || words.endsWith(`-${wanted}`) || words.endsWith(`.${wanted}`) || words.endsWith(`_${wanted}`)
  )
}

function notThere(repository: string, quantization: string, listed: readonly Listed[]): ParleyError {
  const names = listed.map(entry => entry.path.slice(0, 80)).slice(0, 20)
  const has = names.length === 0 ? 'it has no GGUF file' : `it has ${names.join(', ')}`
  return new ParleyError('not_found', `${repository} has no file of ${quantization}; ${has}`)
}

/** What an answer other than success means for a pull. */
export function statusError(status: number, what: string): ParleyError {
  if (status === 401 || status === 403) {
    return new ParleyError(
      'backend_refused',
      `the server refused ${what}; set HF_TOKEN, or accept the model's terms there`,
    )
  }
  if (status === 404 || status === 410) return new ParleyError('not_found', `the server does not have ${what}`)
  return new ParleyError('download_failed', `the server answered ${status} for ${what}; run it again, it resumes`)
}

function base(endpoint: URL): string {
  return endpoint.href.replace(/\/+$/, '')
}
