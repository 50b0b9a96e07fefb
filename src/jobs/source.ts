import { isIP } from 'node:net'
import { basename, resolve } from 'node:path'
import { ParleyError } from '../core/index.ts'

/** Where a model comes from, read and checked. */
export type Source =
  | { readonly kind: 'hub'; readonly repository: string; readonly revision: string; readonly pick: HubPick }
  | { readonly kind: 'url'; readonly url: URL }
  | { readonly kind: 'file'; readonly path: string }

/** One file of a repository by its path, or the file of a quantisation. */
export type HubPick = { readonly file: string } | { readonly quantization: string }

const repositoryPart = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/
const filePart = /^[A-Za-z0-9][A-Za-z0-9._+=, ()@-]{0,199}$/
const ggufName = /\.gguf$/i

/**
 * `hf:user/repo/file.gguf`, `hf:user/repo:Q4_K_M` (either with `#revision`), an https URL, or a path on this machine.
 * Throws `usage` for anything else.
 */
export function parseSource(text: string): Source {
  if (text.startsWith('hf:')) return parseHub(text.slice(3))
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: 'url', url: checkUrl(text) }
  if (text.includes('\0') || !ggufName.test(text)) throw bad('a path names a .gguf file')
  return { kind: 'file', path: resolve(text) }
}

function parseHub(text: string): Source {
  const [place = '', revision = 'main', ...more] = text.split('#')
  const [path = '', quantization, ...others] = place.split(':')
  const [user = '', repository = '', ...file] = path.split('/')
  const isSound = [user, repository, revision].every(part => repositoryPart.test(part) && !part.includes('..'))
  if (!isSound || more.length > 0 || others.length > 0) throw bad('write hf:user/repo/file.gguf or hf:user/repo:Q4_K_M')
  const named = { kind: 'hub', repository: `${user}/${repository}`, revision } as const
  if (quantization !== undefined) {
    if (file.length > 0 || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(quantization))
      throw bad('write hf:user/repo:Q4_K_M')
    return { ...named, pick: { quantization } }
  }
  if (!isFilePath(file)) throw bad('name a .gguf file of the repository: hf:user/repo/file.gguf')
  return { ...named, pick: { file: file.join('/') } }
}

/** Whether the parts of a path in a repository are harmless; what a server lists is checked by the same rule. */
export function isFilePath(parts: readonly string[]): boolean {
  const last = parts.at(-1)
  const areSound = parts.every(part => filePart.test(part) && !part.includes('..'))
  return last !== undefined && parts.length <= 8 && areSound && ggufName.test(last)
}

/** An address downloads may come from: https, or http on this machine. User names in it are refused. */
export function checkUrl(text: string): URL {
  if (!URL.canParse(text)) throw bad('the address cannot be read')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw bad('an address carries no user name; use HF_TOKEN for the hub')
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return url
  throw bad('downloads come over https (http only from this machine)')
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/**
 * The name under which a file is kept: made of letters, digits, dots and dashes, never beginning with a dot. Remote names
 * and paths only lend their letters.
 */
export function safeName(parts: readonly string[]): string {
  const stem = parts
    .join('--')
    .replace(ggufName, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/\.{2,}/g, '.')
    .replaceAll(/^[.-]+|[.-]+$/g, '')
  if (stem === '') throw bad('the file has no usable name')
  return `${stem.slice(-180).replace(/^[.-]+/, '')}.gguf`
}

/** The last part of an address's path, decoded where that is possible. */
export function urlFileName(url: URL): string {
  const last = basename(url.pathname)
  try {
    return decodeURIComponent(last)
  } catch {
    // Badly encoded: only its letters are used anyway.
    return last
  }
}

const partName = /-00001-of-(\d{5})(?=\.gguf$)/i
const partsMax = 1_000

/** All names of a split model, in order, from the name of its first part; else the name itself. */
export function partNames(name: string): string[] {
  const count = Number(partName.exec(name)?.[1] ?? 1)
  if (count <= 1) return [name]
  if (count > partsMax) throw bad(`a model of ${count} parts is too many`)
  return Array.from({ length: count }, (_, index) =>
    name.replace(partName, (_whole, of: string) => `-${String(index + 1).padStart(5, '0')}-of-${of}`),
  )
}

function bad(why: string): ParleyError {
  return new ParleyError('usage', `the model source is not understood: ${why}`)
}
