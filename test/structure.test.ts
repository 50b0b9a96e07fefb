import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

/** A folder of src/ imports only from smaller ranks; neighbours of one rank do not know each other. */
const ranks: readonly (readonly string[])[] = [
  ['openai'],
  ['core'],
  ['gateway', 'session', 'p2p', 'chain', 'store', 'auth', 'telemetry', 'jobs', 'config'],
  ['backends', 'http'],
  ['stacks'],
  ['node'],
  ['cli'],
]
const rankOf = new Map(ranks.flatMap((folders, rank) => folders.map(folder => [folder, rank] as const)))

/** Each technology is touched by one folder alone; types that never run count too. */
const homes: Readonly<Record<string, readonly string[]>> = {
  'ipaddr.js': ['core/addresses'],
  'node:sqlite': ['store'],
  'node-llama-cpp': ['backends'],
  undici: ['backends'],
  '@ai-sdk/': ['backends/adapted'],
  viem: ['chain'],
  ox: ['chain'],
  'tiny-secp256k1': ['chain'],
  libp2p: ['p2p'],
  '@libp2p/': ['p2p'],
  '@chainsafe/': ['p2p'],
  '@multiformats/': ['p2p'],
  multiformats: ['p2p'],
  redis: ['store'],
  kysely: ['store/sql'],
  pg: ['store/sql'],
  jose: ['auth'],
  otpauth: ['auth'],
  'node:http': ['http'],
  'prom-client': ['telemetry'],
  pino: ['telemetry'],
  nodemailer: ['telemetry'],
  '@opentelemetry/': ['telemetry'],
  commander: ['cli'],
  'smol-toml': ['config'],
  zod: ['openai', 'config', 'session', 'chain', 'jobs', 'cli', 'backends', 'http/admin'],
}

interface Source {
  file: string
  text: string
  lines: number
  imports: readonly string[]
}

const everything: readonly Source[] = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter(file => /\.tsx?$/.test(file) && !file.includes('generated/'))
  .map(file => {
    const text = readFileSync(join('src', file), 'utf8')
    const found = text.matchAll(/(?:^|\n)(?:import|export)[^'"`;]*?from '([^']+)'|\bimport\('([^']+)'\)/g)
    return { file, text, lines: text.split('\n').length, imports: [...found].map(match => (match[1] ?? match[2])!) }
  })

/** The pages run in browsers and have an order of their own. */
const sources = everything.filter(({ file }) => !file.startsWith('ui/'))
const pages = everything
  .filter(({ file }) => file.startsWith('ui/'))
  .map(source => ({ ...source, file: source.file.slice('ui/'.length) }))

const folderOf = (file: string) => file.split('/')[0]!.replace(/\.tsx?$/, '')
const target = (file: string, specifier: string) => normalize(join(dirname(file), specifier))
const relative = sources.flatMap(({ file, imports }) =>
  imports.filter(specifier => specifier.startsWith('.')).map(specifier => ({ file, to: target(file, specifier) })),
)

describe('the shape of src/', () => {
  test('holds source', () => {
    expect(sources.length).toBeGreaterThan(30)
  })

  test('every folder has a rank', () => {
    expect(sources.map(({ file }) => folderOf(file)).filter(folder => !rankOf.has(folder))).toEqual([])
  })

  test('a folder imports only from smaller ranks', () => {
    const wrong = relative.filter(({ file, to }) => {
      const [from, into] = [folderOf(file), folderOf(to)]
      return from !== into && !(rankOf.get(into)! < rankOf.get(from)!)
    })
    expect(wrong).toEqual([])
  })

  test('others import the face of a folder, not what is behind it', () => {
    const face = /^[\w-]+\/(?:index\.ts|addresses\/index\.ts|llama\/index\.ts|treasury\/index\.ts)$|^[\w-]+\.ts$/
    expect(relative.filter(({ file, to }) => folderOf(file) !== folderOf(to) && !face.test(to))).toEqual([])
  })

  test('no import leads back to where it started', () => {
    const graph = new Map(
      sources.map(({ file }) => [file, relative.filter(edge => edge.file === file).map(edge => edge.to)]),
    )
    expect(cycles(graph)).toEqual([])
  })

  test('each technology is touched by one folder', () => {
    const wrong = sources.flatMap(({ file, imports }) =>
      imports.flatMap(specifier => {
        const home = Object.entries(homes).find(([name]) => isOf(specifier, name))?.[1]
        return home === undefined || home.some(folder => file.startsWith(`${folder}/`))
          ? []
          : [`${file} imports ${specifier}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  test('no file is longer than 500 lines', () => {
    expect(sources.filter(({ lines }) => lines > 500).map(({ file }) => file)).toEqual([])
  })

  test('errors are typed: nobody throws a bare Error', () => {
    expect(sources.filter(({ text }) => /throw new Error\(/.test(text)).map(({ file }) => file)).toEqual([])
  })

  test('what pages share with the node needs nothing but a browser', () => {
    const shared = reachedFrom('openai/stream-client.ts')
    expect(shared.length).toBeGreaterThan(1)
    const foreign = shared.flatMap(({ file, imports }) =>
      imports.filter(specifier => !specifier.startsWith('.')).map(specifier => `${file} imports ${specifier}`),
    )
    const used = shared.flatMap(({ file, text }) =>
      [...text.matchAll(/^(?! *(?:\/?\*|\/\/)).*\b(Buffer|process|require|NodeJS)\b/gm)].map(
        ([, name]) => `${file} uses ${name}`,
      ),
    )
    expect([...foreign, ...used]).toEqual([])
  })

  test('the provider cannot keep what it is asked: its stack takes no archive and no cache', () => {
    const text = readFileSync('src/stacks.ts', 'utf8')
    const provider = text.slice(text.indexOf('export function providerStack'))
    expect(provider).not.toMatch(/archive|cache/i)
  })
})

describe('the shape of src/ui/', () => {
  const pageRanks: readonly (readonly string[])[] = [
    ['parts', 'words'],
    ['client'],
    ['storage'],
    ['chat', 'node', 'money', 'settings'],
    ['app'],
    ['main', 'theme-first', 'vite.config'],
  ]
  const rankOfPage = new Map(pageRanks.flatMap((folders, rank) => folders.map(folder => [folder, rank] as const)))
  const imported = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/(?:^|\n)(import|export) (type )?[^'"`;]*?from '(\.[^']+)'/g)].map(([, , isType, to]) => ({
      file,
      to: target(file, to!),
      isType: isType !== undefined,
    })),
  )

  test('holds source', () => {
    expect(pages.length).toBeGreaterThan(30)
  })

  test('a folder imports only from smaller ranks, but for types', () => {
    const wrong = imported.filter(({ file, to, isType }) => {
      const [from, into] = [folderOf(file), folderOf(to)]
      return !isType && !to.startsWith('..') && from !== into && !(rankOfPage.get(into)! < rankOfPage.get(from)!)
    })
    expect(wrong).toEqual([])
  })

  test('of what runs in a node they take types alone, and the client of streams', () => {
    const outside = imported.filter(({ to, isType }) => to.startsWith('..') && !isType)
    expect(outside.filter(({ to }) => to !== '../openai/stream-client.ts')).toEqual([])
  })

  test('none of it reaches for what a browser has not', () => {
    const wrong = pages.filter(
      ({ file, text }) => file !== 'vite.config.ts' && /from 'node:|\bBuffer\b|process\./.test(text),
    )
    expect(wrong.map(({ file }) => file)).toEqual([])
  })

  test('no file is longer than 500 lines', () => {
    expect(pages.filter(({ lines }) => lines > 500).map(({ file }) => file)).toEqual([])
  })

  test('no text is written into a page: all of them are in words/', () => {
    const texts = pages.flatMap(({ file, text }) =>
      file.endsWith('.tsx')
        ? [...text.matchAll(/>\s*([A-Z][a-z]+ [a-z][\w ,.]+)</g)].map(match => `${file}: ${match[1]}`)
        : [],
    )
    expect(texts).toEqual([])
  })
})

/** A file and all that it imports of ours, and so on. */
function reachedFrom(start: string): readonly Source[] {
  const found = new Set([start])
  for (const file of found) for (const edge of relative) if (edge.file === file) found.add(edge.to)
  return sources.filter(({ file }) => found.has(file))
}

function isOf(specifier: string, name: string): boolean {
  return name.endsWith('/') ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`)
}

function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' → '))
    else if (!done.has(file)) for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}
