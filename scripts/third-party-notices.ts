import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'

/** Whose work is in a bundle, and under which terms. */

interface Package {
  readonly folder: string
  readonly name: string
  readonly version: string
  readonly licence: string
}

const modulesFolder = `${sep}node_modules${sep}`
const termsFile = /^(?:licen[cs]e|copying|notice)(?:[._-].*)?$/i
const rule = '-'.repeat(78)

/** The notices of all packages that these modules come from, and of those that are named; one text. */
export async function noticesOf(
  root: string,
  modules: readonly string[],
  names: readonly string[] = [],
): Promise<string> {
  const files = modules.map(fileOf).filter(file => file !== undefined)
  const found = new Map<string, Package>()
  for (const folder of new Set([...files.map(dirname), ...names.map(name => join(root, 'node_modules', name))])) {
    const known = await packageAt(folder)
    if (known !== undefined) found.set(`${known.name} ${known.version}`, known)
  }
  const packages = [...found.values()].toSorted((one, other) => (idOf(one) < idOf(other) ? -1 : 1))
  const parts = await Promise.all(
    packages.map(async each => `${idOf(each)} (${each.licence})\n\n${await termsOf(each)}`),
  )
  const head = `Parley's pages contain the work of others, under the terms below.\n\n${packages.map(idOf).join('\n')}`
  return `${[head, ...parts].join(`\n\n${rule}\n\n`)}\n`
}

function idOf({ name, version }: Package): string {
  return `${name} ${version}`
}

/** Bundlers mark what they make themselves with a zero, and add questions to names. */
function fileOf(module: string): string | undefined {
  const file = module.replace(/^\0+(?:[\w-]+:)?/, '').split('?')[0]!
  return file.includes(modulesFolder) ? file : undefined
}

/** The nearest package with a name and a version: some have others within that say no more than how they are loaded. */
async function packageAt(folder: string): Promise<Package | undefined> {
  for (let at = folder; at.includes(modulesFolder); at = dirname(at)) {
    const text = await readFile(join(at, 'package.json'), 'utf8').catch(() => undefined)
    const { name, version, license: licence } = text === undefined ? {} : JSON.parse(text)
    if (typeof name !== 'string' || typeof version !== 'string') continue
    return { folder: at, name, version, licence: typeof licence === 'string' ? licence : 'see below' }
  }
  return undefined
}

async function termsOf({ folder, name, licence }: Package): Promise<string> {
  const files = (await readdir(folder)).filter(file => termsFile.test(file)).toSorted()
  const texts = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8').catch(() => '')))
  const terms = texts.map(text => text.trim()).filter(text => text !== '')
  return terms.length > 0 ? terms.join('\n\n') : `${name} comes without a text of its licence; it says: ${licence}`
}
