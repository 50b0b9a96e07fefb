import { z } from 'zod'

/** What an app wants of the routing of one call, whatever its task. Names are those of providers and models. */
export interface Wishes {
  /** Asked in this order before any other. */
  readonly order?: readonly string[]
  /** Nobody else is asked. */
  readonly only?: readonly string[]
  readonly ignore?: readonly string[]
  /** Asked in this order after the first choice failed. */
  readonly fallbacks?: readonly string[]
  /** False: nobody but the first choice, `order` and `fallbacks`. */
  readonly allowsOthers?: boolean
  readonly sort?: 'price' | 'throughput' | 'latency'
  /** Leaves out whom the list does not show to have all that the request needs. */
  readonly isStrict?: boolean
  /** Smallest token units per million tokens, as `/v1/models` lists them. */
  readonly maxPrice?: { readonly prompt?: bigint; readonly completion?: bigint }
  /** Models to answer with when nobody could with the one asked for. */
  readonly models?: readonly string[]
  /** Whether an answer that breaks off is continued by another provider. */
  readonly continues?: boolean
}

const names = z.array(z.string().min(1).max(200)).max(32)
const sorts = z.enum(['price', 'throughput', 'latency'])
const price = z
  .union([z.number().nonnegative().max(Number.MAX_SAFE_INTEGER), z.string().regex(/^\d{1,30}(?:\.\d{1,18})?$/)])
  .transform(amount => BigInt(typeof amount === 'number' ? Math.floor(amount) : amount.split('.')[0]!))

/** OpenRouter's object; what it has beside these fields says nothing here. */
const preferences = z.looseObject(
  {
    order: names.nullish(),
    only: names.nullish(),
    ignore: names.nullish(),
    allow_fallbacks: z.boolean().nullish(),
    require_parameters: z.boolean().nullish(),
    sort: z.union([sorts, z.looseObject({ by: sorts }).transform(({ by }) => by)]).nullish(),
    max_price: z.looseObject({ prompt: price.nullish(), completion: price.nullish() }).nullish(),
  },
  { error: 'is the name of a provider, a list of names, or an object with order, only, ignore, allow_fallbacks, sort' },
)

/** A name alone, or several, mean these and nobody else. */
function asPreferences(value: unknown): unknown {
  const list = typeof value === 'string' ? [value] : value
  return Array.isArray(list) ? { order: list, only: list } : value
}

/** The fields of a body that are for the gateway alone: no backend and no peer gets to see them. */
export const WishFields = z.object({
  provider: z.preprocess(asPreferences, preferences.nullish()),
  fallback_providers: names.nullish(),
  models: names.nullish(),
  continue_on_failure: z.boolean().nullish(),
})
export type WishFields = z.infer<typeof WishFields>

const wishFields = Object.keys(WishFields.shape)

/** Undefined for a body without any of them. */
export function wishFieldsOf(body: unknown): Record<string, unknown> | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const held = Object.entries(body).filter(([name]) => wishFields.includes(name))
  return held.length === 0 ? undefined : Object.fromEntries(held)
}

/** The body as it goes on. Where it names fallback models and no model, the first of them is meant. */
export function withoutWishes(body: unknown, { models }: WishFields): unknown {
  const { model = models?.[0], ...fields } = body as Record<string, unknown>
  for (const name of wishFields) delete fields[name]
  return { ...(model !== undefined && { model }), ...fields }
}

export function toWishes({ provider, fallback_providers, models, continue_on_failure }: WishFields): Wishes {
  const { order, only, ignore, allow_fallbacks, require_parameters, sort, max_price } = provider ?? {}
  const { prompt, completion } = max_price ?? {}
  return {
    ...(order != null && { order }),
    ...(only != null && { only: [...only, ...(fallback_providers ?? [])] }),
    ...(ignore != null && { ignore }),
    ...(fallback_providers != null && { fallbacks: fallback_providers }),
    ...(allow_fallbacks === false && { allowsOthers: false }),
    ...(require_parameters === true && { isStrict: true }),
    ...(sort != null && { sort }),
    ...(max_price != null && {
      maxPrice: { ...(prompt != null && { prompt }), ...(completion != null && { completion }) },
    }),
    ...(models != null && { models }),
    ...(continue_on_failure === true && { continues: true }),
  }
}
