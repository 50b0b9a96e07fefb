import type { JsonDocument } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

/** What can be taken out of texts before they are kept. */
export const redactionKinds = ['email', 'phone', 'card', 'iban', 'address', 'secret'] as const
export type RedactionKind = (typeof redactionKinds)[number]

export interface Redaction {
  readonly kinds: readonly RedactionKind[]
  /** Taken out wherever they stand, in letters of either case. */
  readonly words: readonly string[]
}

const wordsMax = 1_000
const wordMaxLength = 200

const patterns: Readonly<Record<RedactionKind, RegExp>> = {
  email: /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g,
  phone: /(?<![\w.])\+?\d{1,3}[ ./-]?\(?\d{2,4}\)?(?:[ ./-]?\d{2,4}){2,4}(?![\w.])/g,
  card: /(?<!\d)\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?!\d)/g,
  iban: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/g,
  address: /\b(?:\d{1,3}\.){3}\d{1,3}\b/g,
  secret:
    /\b(?:sk|pk|rk|ghp|gho|xox[abp]|AKIA|AIza)[-_A-Za-z0-9]{16,200}|\beyJ[\w-]{10,2000}\.[\w-]{10,4000}\.[\w-]{10,2000}/g,
}

/** What a key says is to be taken out. Throws `invalid_request` naming what it cannot be. */
export function toRedaction(document: JsonDocument): Redaction {
  const { kinds = [], words = [], ...unknown } = document
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw odd(stranger, 'is not known; there are kinds and words')
  if (!Array.isArray(kinds) || !kinds.every(isKind)) throw odd('kinds', `is a list of ${redactionKinds.join(', ')}`)
  const isList = Array.isArray(words) && words.length <= wordsMax && words.every(isWord)
  if (!isList) throw odd('words', `is a list of up to ${wordsMax} texts of 2 to ${wordMaxLength} characters`)
  return { kinds, words }
}

/** Takes it out; in its place stands what it was. */
export function redactor({ kinds, words }: Redaction): (text: string) => string {
  const literal = words.length === 0 ? undefined : new RegExp(words.map(escaped).join('|'), 'gi')
  return text => {
    let result = text
    for (const kind of kinds) result = result.replace(patterns[kind], `[${kind}]`)
    return literal === undefined ? result : result.replace(literal, '[word]')
  }
}

function isKind(value: unknown): value is RedactionKind {
  return redactionKinds.some(kind => kind === value)
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 2 && value.length <= wordMaxLength
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function odd(field: string, what: string): ParleyError {
  return new ParleyError('invalid_request', `redact.${field} ${what}; correct it`, { param: `redact.${field}` })
}
