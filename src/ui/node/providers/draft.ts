import type { Provider } from '../../client/api.ts'
import type { ServiceKind } from './kinds.ts'

/** A provider as it is typed in. */
export interface Draft {
  readonly name: string
  readonly url: string
  readonly region: string
  readonly resource: string
  readonly key: string
  readonly takesKeyAway: boolean
  readonly models: string
  readonly weight: string
  readonly priority: string
  readonly priceIn: string
  readonly priceOut: string
  /** Prices of single models, which this form does not change. */
  readonly keptPrices: readonly unknown[]
}

export function emptyDraft({ id, url = '' }: ServiceKind, taken: readonly string[]): Draft {
  const names = new Set(taken.map(name => name.toLowerCase()))
  let name = id === 'custom' ? '' : id
  for (let count = 2; names.has(name); count++) name = `${id}-${count}`
  const nothing = { region: '', resource: '', key: '', models: '', weight: '', priority: '', priceIn: '', priceOut: '' }
  return { name, url, takesKeyAway: false, keptPrices: [], ...nothing }
}

interface Price {
  readonly model?: string
  readonly in?: string
  readonly out?: string
}

export function draftOf({ name, config }: Provider): Draft {
  const text = (field: string) => (config[field] === undefined ? '' : String(config[field]))
  const prices = (Array.isArray(config.prices) ? config.prices : []) as readonly Price[]
  const [only] = prices
  const isSimple = prices.length === 1 && only !== undefined && (only.model ?? '*') === '*'
  return {
    name,
    url: text('url'),
    region: text('region'),
    resource: text('resource'),
    key: '',
    takesKeyAway: false,
    models: Array.isArray(config.models) ? config.models.join('\n') : '',
    weight: text('weight'),
    priority: text('priority'),
    priceIn: isSimple ? String(only.in ?? '') : '',
    priceOut: isSimple ? String(only.out ?? '') : '',
    keptPrices: isSimple ? [] : prices,
  }
}

export function modelsOf({ models }: Draft): string[] {
  return [...new Set(models.split(/[\n,]/).map(name => name.trim()))].filter(name => name !== '')
}

/** As an entry of `upstreams`; what is empty is left out, and what the form does not know stays. */
export function configOf(draft: Draft, before: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { url, region, resource, weight, priority, keptPrices } = draft
  const models = modelsOf(draft)
  const { url: _u, region: _g, resource: _r, models: _m, weight: _w, priority: _p, prices: _s, ...others } = before
  const prices = keptPrices.length > 0 ? keptPrices : pricesOf(draft)
  return {
    ...others,
    ...texts({ url, region, resource }),
    ...(models.length > 0 && { models }),
    ...(weight.trim() !== '' && { weight: Number(weight) }),
    ...(priority.trim() !== '' && { priority: Number(priority) }),
    ...(prices.length > 0 && { prices }),
  }
}

function pricesOf({ priceIn, priceOut }: Draft): readonly unknown[] {
  const price = texts({ in: priceIn, out: priceOut })
  return Object.keys(price).length === 0 ? [] : [price]
}

function texts(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, text]) => (text.trim() === '' ? [] : [[name, text.trim()]])),
  )
}
