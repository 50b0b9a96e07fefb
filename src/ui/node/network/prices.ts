import type { Network } from '../../client/api.ts'
import { units } from '../../parts/format.ts'

type Row = Network['providers'][number]

/** The least a provider asks for, in and out, per million tokens; undefined where no price is known. */
export function leastPrice({ models }: Row, token: Network['token']): string | undefined {
  const priced = models.flatMap(({ pricing }) =>
    pricing ? [{ in: whole(pricing.prompt), out: whole(pricing.completion) }] : [],
  )
  const [least] = priced.toSorted((a, b) => (a.in + a.out < b.in + b.out ? -1 : 1))
  if (least === undefined || token === null) return undefined
  return `${units(least.in, token.decimals)} / ${units(least.out, token.decimals, token.symbol)}`
}

function whole(price: string | undefined): bigint {
  return price !== undefined && /^\d{1,78}$/.test(price) ? BigInt(price) : 0n
}
