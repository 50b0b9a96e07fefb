import { type FormPart, isFile, toWishes, type Wishes, WishFields, wishFieldsOf } from '../openai/index.ts'
import { checked } from './call.ts'

/** A form without the fields that are for the gateway alone, and what those want. */
export function wishesIn(form: readonly FormPart[]): { form: readonly FormPart[]; wishes?: Wishes } {
  const fields = wishFieldsOf(textFields(form))
  if (fields === undefined) return { form }
  const rest = form.filter(part => isFile(part) || !Object.hasOwn(fields, pathOf(part.name)[0]!))
  return { form: rest, wishes: toWishes(checked(WishFields, fields)) }
}

/**
 * A form has only texts: a list is a field given several times or under `name[]`; an object is written as JSON, or, as
 * client libraries do, in a field `name[field]` for each of its own.
 */
function textFields(form: readonly FormPart[]): Record<string, unknown> {
  const fields: Branch = new Map()
  for (const part of form) if (!isFile(part)) put(fields, pathOf(part.name), part.value)
  return plain(fields)
}

type Branch = Map<string, unknown>

const depthMax = 3

/** `provider[order][]` is `provider`, `order` and an entry without a name. */
function pathOf(name: string): readonly string[] {
  const [, root, rest = ''] = /^([^[\]]+)((?:\[[^[\]]*\])+)$/.exec(name) ?? []
  const keys = [...rest.matchAll(/\[([^[\]]*)\]/g)].map(([, key = '']) => key)
  return root === undefined || keys.length > depthMax ? [name] : [root, ...keys]
}

function put(branch: Branch, [key = '', ...keys]: readonly string[], text: string): void {
  const [next] = keys
  const known = branch.get(key)
  if (next !== undefined && !isEntry(next)) {
    const own: Branch = known instanceof Map ? known : new Map()
    branch.set(key, own)
    put(own, keys, text)
  } else {
    const isList = known !== undefined || next !== undefined
    branch.set(key, isList ? [known ?? [], text].flat() : readValue(key, text))
  }
}

/** What stands in a list, by its place or without. */
function isEntry(key: string): boolean {
  return /^\d{0,4}$/.test(key)
}

function plain(branch: Branch): Record<string, unknown> {
  const entries = [...branch].map(([name, value]) => [name, value instanceof Map ? plain(value) : value])
  return Object.fromEntries(entries)
}

const yesOrNo: ReadonlySet<string> = new Set(['allow_fallbacks', 'require_parameters', 'continue_on_failure'])

function readValue(name: string, text: string): unknown {
  if (yesOrNo.has(name) && (text === 'true' || text === 'false')) return text === 'true'
  if (!/^[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
