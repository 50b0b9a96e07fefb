import { type FormPart, isFile, toWishes, type Wishes, WishFields, wishFieldsOf } from '../openai/index.ts'
import { checked } from './call.ts'

/** A form without the fields that are for the gateway alone, and what those want. */
export function wishesIn(form: readonly FormPart[]): { form: readonly FormPart[]; wishes?: Wishes } {
  const fields = wishFieldsOf(textFields(form))
  if (fields === undefined) return { form }
  const rest = form.filter(part => isFile(part) || !Object.hasOwn(fields, plainName(part.name)))
  return { form: rest, wishes: toWishes(checked(WishFields, fields)) }
}

/** A form has only texts: a list is a field given several times, an object is written as JSON. */
function textFields(form: readonly FormPart[]): Record<string, unknown> {
  const fields = new Map<string, unknown>()
  for (const part of form) {
    if (isFile(part)) continue
    const name = plainName(part.name)
    const known = fields.get(name)
    const isList = known !== undefined || part.name !== name
    fields.set(name, isList ? [known ?? [], part.value].flat() : readValue(part.value))
  }
  return Object.fromEntries(fields)
}

/** `models[]` is how some clients write `models`. */
function plainName(name: string): string {
  return name.endsWith('[]') ? name.slice(0, -2) : name
}

function readValue(text: string): unknown {
  if (!/^[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
