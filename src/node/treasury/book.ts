import type { Address, Channel, ChannelKey, Ledger, SignedVoucher } from '../../core/index.ts'

/** One account on one escrow. */
export interface BookOf extends Pick<ChannelKey, 'side' | 'chainId' | 'escrow'> {
  readonly account: Address
}

export const isSameAddress = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

/** The counters of one account, as payer or as provider. */
export function channelsOf(ledger: Pick<Ledger, 'channels'>, { side, account, chainId, escrow }: BookOf): Channel[] {
  return ledger.channels(side).filter(({ key }) => {
    const own = side === 'user' ? key.payer : key.provider
    return key.chainId === chainId && isSameAddress(key.escrow, escrow) && isSameAddress(own, account)
  })
}

/** Totals run on through the epochs of an account: of each counterpart only the counter of its newest epoch says what is so. */
export function newestOf(channels: readonly Channel[]): Channel[] {
  const newest = new Map<string, Channel>()
  for (const channel of channels) {
    const { side, payer, provider, epoch } = channel.key
    const other = (side === 'user' ? provider : payer).toLowerCase()
    const known = newest.get(other)
    if (known === undefined || known.key.epoch < epoch) newest.set(other, channel)
  }
  return [...newest.values()]
}

/** The newest voucher of every payer for this provider on this escrow. */
export function vouchersFor(ledger: Pick<Ledger, 'channels'>, of: Omit<BookOf, 'side'>): SignedVoucher[] {
  return channelsOf(ledger, { ...of, side: 'provider' }).flatMap(({ voucher }) => voucher ?? [])
}
