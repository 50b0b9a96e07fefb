import type { Asked, Key } from '../../../client/api.ts'
import { parseAmount, plain } from '../../../parts/amount.ts'

export type KeyBody = Asked<'PUT /keys/:id'>['body']
type Kind = 'email' | 'phone' | 'card' | 'iban' | 'address' | 'secret'
export const redactKinds: readonly Kind[] = ['email', 'phone', 'card', 'iban', 'address', 'secret']

/** A key as it is typed; empty texts bound nothing. */
export interface KeyForm {
  readonly name: string
  readonly project: string
  readonly userId: string
  readonly hasModels: boolean
  readonly models: readonly string[]
  readonly otherModels: string
  readonly rpm: string
  readonly tpm: string
  readonly parallel: string
  readonly maxPrice: string
  readonly maxPerDay: string
  readonly budgetId: string
  readonly system: string
  readonly archive: Key['archive']
  readonly cache: Key['cache']
  readonly redact: readonly Kind[]
  readonly redactWords: string
  /** `never`, days from now, or `on` with the day below. */
  readonly expires: string
  readonly day: string
}

export const newKey: KeyForm = {
  ...{ name: '', project: '', userId: '', hasModels: false, models: [], otherModels: '' },
  ...{ rpm: '', tpm: '', parallel: '', maxPrice: '', maxPerDay: '', budgetId: '', system: '' },
  ...{ archive: 'default', cache: 'default', redact: [], redactWords: '', expires: 'never', day: '' },
}

export function formOf(key: Key, decimals: number): KeyForm {
  const text = (value: number | string | null) => (value === null ? '' : String(value))
  const amount = (value: string | null) => (value === null ? '' : plain(BigInt(value), decimals))
  const { kinds = [], words = [] } = (key.redact ?? {}) as { kinds?: Kind[]; words?: string[] }
  return {
    ...{ name: key.name, project: text(key.project), userId: text(key.userId), budgetId: text(key.budgetId) },
    ...{ hasModels: key.models !== null, models: key.models ?? [], otherModels: '' },
    ...{ rpm: text(key.rpm), tpm: text(key.tpm), parallel: text(key.parallel) },
    ...{ maxPrice: amount(key.maxPrice), maxPerDay: amount(key.maxPerDay) },
    system: typeof key.preset?.system === 'string' ? key.preset.system : '',
    ...{ archive: key.archive, cache: key.cache, redact: kinds, redactWords: words.join(', ') },
    ...{ expires: key.expiresAt === null ? 'never' : 'on', day: key.expiresAt?.slice(0, 10) ?? '' },
  }
}

/** What the role `user` may set of its own keys. */
export function ownBodyOf(form: KeyForm): KeyBody & { name: string } {
  return {
    name: form.name.trim(),
    models: form.hasModels ? [...new Set([...form.models, ...list(form.otherModels)])] : null,
    expiresAt: expiryOf(form),
  }
}

export function bodyOf(form: KeyForm, decimals: number, before?: Key): KeyBody & { name: string } {
  const words = list(form.redactWords)
  const hasRedaction = form.redact.length > 0 || words.length > 0
  const { system: _, ...otherPreset } = before?.preset ?? {}
  const preset = { ...otherPreset, ...(form.system.trim() !== '' && { system: form.system }) }
  return {
    ...ownBodyOf(form),
    project: form.project.trim() || null,
    userId: form.userId || null,
    ...{ rpm: count(form.rpm), tpm: count(form.tpm), parallel: count(form.parallel) },
    maxPrice: parseAmount(form.maxPrice, decimals)?.toString() ?? null,
    maxPerDay: parseAmount(form.maxPerDay, decimals)?.toString() ?? null,
    budgetId: form.budgetId || null,
    preset: Object.keys(preset).length === 0 ? null : preset,
    ...{ archive: form.archive, cache: form.cache },
    redact: hasRedaction ? { ...before?.redact, kinds: form.redact, words } : null,
  }
}

/** Whether amounts can be understood. */
export function isWritten(form: KeyForm, decimals: number): boolean {
  return [form.maxPrice, form.maxPerDay].every(text => text === '' || parseAmount(text, decimals) !== undefined)
}

const dayMs = 86_400_000

function expiryOf({ expires, day }: KeyForm): string | null {
  if (expires === 'never' || (expires === 'on' && day === '')) return null
  return new Date(expires === 'on' ? `${day}T00:00:00` : Date.now() + Number(expires) * dayMs).toISOString()
}

function count(text: string): number | null {
  return text === '' ? null : Number(text)
}

function list(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}
