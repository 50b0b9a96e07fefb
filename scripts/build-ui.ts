import { createHash } from 'node:crypto'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { noticesOf } from './third-party-notices.ts'

/**
 * Builds the pages of `src/ui` into `dist/ui`, with compressed copies beside them. With `--if-needed` it does nothing when
 * what is there was built of the same sources.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src/ui')
const target = join(root, 'dist/ui')
const stamp = join(target, '.sources')
/** What is in the pages though no module of theirs: it comes with the style sheet. */
const styles = ['tailwindcss']
/** What is served stays whole until the next is. */
const next = join(root, `dist/ui-${process.pid}`)

async function main(isIfNeeded: boolean): Promise<void> {
  const wanted = await hashOfSources()
  if (isIfNeeded && (await readFile(stamp, 'utf8').catch(() => '')) === wanted) return
  const startedAt = performance.now()
  // Tests, which set it to their own, want what everybody gets.
  process.env.NODE_ENV = 'production'
  const { build } = await import('vite')
  try {
    const built = await build({ configFile: join(source, 'vite.config.ts'), logLevel: 'warn', build: { outDir: next } })
    const chunks = [built].flat().flatMap(each => ('output' in each ? each.output : []))
    const modules = chunks.flatMap(chunk => (chunk.type === 'chunk' ? chunk.moduleIds : []))
    await writeFile(join(next, 'third-party-notices.txt'), await noticesOf(root, modules, styles))
    await compress()
    await rm(target, { recursive: true, force: true })
    await rename(next, target)
  } finally {
    await rm(next, { recursive: true, force: true })
  }
  await writeFile(stamp, wanted)
  console.error(`built dist/ui in ${Math.round(performance.now() - startedAt)} ms`)
}

/** Of the node's own code the pages have the client of streams, which is several files. */
const sharedFile = /^(?:stream-client|client-[\w-]+)\.ts$/

async function hashOfSources(): Promise<string> {
  const files = (await filesBelow(source)).toSorted()
  const hash = createHash('sha256')
  const shared = (await filesBelow(join(root, 'src/openai'))).filter(file => sharedFile.test(basename(file))).toSorted()
  const makers = ['package-lock.json', 'scripts/build-ui.ts', 'scripts/third-party-notices.ts']
  for (const file of [...files, ...shared, ...makers.map(file => join(root, file))]) {
    hash.update(relative(root, file)).update(await readFile(file).catch(() => Buffer.alloc(0)))
  }
  return hash.digest('hex')
}

const worthwhileBytes = 1_024
/** What every visit loads is pressed as hard as can be; of the rest the last percent is not worth half a minute. */
const hard = 11
const usual = 8
const atOnce = 4

async function compress(): Promise<void> {
  const texts = (await filesBelow(next)).filter(file => /\.(?:js|css|svg|webmanifest|json|txt)$/.test(file))
  const page = await readFile(join(next, 'index.html'), 'utf8')
  const queue = texts.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const file of queue) await compressOne(file, page.includes(basename(file)) ? hard : usual)
    }),
  )
}

async function compressOne(file: string, quality: number): Promise<void> {
  const bytes = await readFile(file)
  if (bytes.length < worthwhileBytes) return
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality }
  await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, { params }))
  await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }))
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

const isIfNeeded = process.argv.includes('--if-needed')
try {
  await main(isIfNeeded)
} catch (cause) {
  // An installation without development or optional packages cannot build pages, and works without them.
  console.error(`the pages of the web UI were not built: ${String(cause).split('\n')[0]}`)
  console.error('the node works without them; install all packages (npm ci) and run npm run build:ui to have them')
  process.exitCode = isIfNeeded ? 0 : 1
}
