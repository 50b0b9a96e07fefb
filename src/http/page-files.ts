import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { ParleyError } from '../core/index.ts'

/** One file of the page, and what it was pressed into when it was built. */
export interface PageFile {
  readonly file: string
  readonly mediaType: string
  readonly etag: string
  /** Whether its name changes with its content. */
  readonly isHashed: boolean
  readonly pressed: Readonly<Partial<Record<Encoding, string>>>
}

export type Encoding = 'br' | 'gzip'

/** All that is served: a path that is not in here leads nowhere, whatever it looks like. */
export interface PageFiles {
  readonly html: string
  readonly etag: string
  /** By the path in an address. */
  readonly files: ReadonlyMap<string, PageFile>
}

const filesMax = 10_000
const htmlMaxBytes = 1024 * 1024
const indexName = 'index.html'
export const hashedPrefix = '/assets/'
const endings: Readonly<Record<string, Encoding>> = { '.br': 'br', '.gz': 'gzip' }
const otherType = 'application/octet-stream'

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.gif': 'image/gif',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
}

/**
 * What was built, as it is on disk now: read with the first request, and again once it was built anew. Undefined where
 * nothing was.
 */
export function createPageFiles(directory: string): (isFresh: boolean) => Promise<PageFiles | undefined> {
  let known: PageFiles | undefined
  let reading: Promise<PageFiles | undefined> | undefined
  const read = () => {
    reading ??= readPageFiles(directory).finally(() => {
      reading = undefined
    })
    return reading
  }
  return async isFresh => {
    if (known !== undefined && (!isFresh || known.etag === (await etagOf(join(directory, indexName))))) return known
    known = await read()
    return known
  }
}

async function readPageFiles(directory: string): Promise<PageFiles | undefined> {
  const index = join(directory, indexName)
  const etag = await etagOf(index)
  if (etag === undefined) return undefined
  const html = await readFile(index, 'utf8')
  if (html.length > htmlMaxBytes) throw new ParleyError('internal', `${index} is no page; build it again`)
  return { html: atHome(html), etag, files: await tableOf(directory) }
}

/** Links are not followed: what they lead to was not built. */
async function tableOf(directory: string): Promise<Map<string, PageFile>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  if (entries.length > filesMax)
    throw new ParleyError('internal', `${directory} holds more than a page; build it again`)
  const found = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const names = new Set(found)
  const table = new Map<string, PageFile>()
  for (const file of found) {
    const path = `/${relative(directory, file).split(sep).join('/')}`
    if (path === `/${indexName}` || names.has(unpressed(file))) continue
    const etag = await etagOf(file)
    if (etag !== undefined) table.set(path, fileOf(file, path, etag, names))
  }
  return table
}

function fileOf(file: string, path: string, etag: string, names: ReadonlySet<string>): PageFile {
  const pressed = Object.entries(endings).flatMap(([ending, encoding]) =>
    names.has(file + ending) ? [[encoding, file + ending]] : [],
  )
  return {
    ...{ file, etag, isHashed: path.startsWith(hashedPrefix), pressed: Object.fromEntries(pressed) },
    mediaType: mediaTypes[extname(path).toLowerCase()] ?? otherType,
  }
}

/** The name of the file that this one is a pressed copy of; nothing for others. */
function unpressed(file: string): string {
  const ending = extname(file)
  return ending in endings ? file.slice(0, -ending.length) : ''
}

async function etagOf(file: string): Promise<string | undefined> {
  try {
    const { size, mtimeMs } = await stat(file)
    return `W/"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`
  } catch {
    return undefined
  }
}

/** Says to the page that the node it talks to is where it came from. */
function atHome(html: string): string {
  const bare = html.replace(/(<html\b[^>]*?)\sdata-home="[^"]*"/i, '$1')
  return bare.replace(/<html\b/i, '<html data-home="node"')
}
