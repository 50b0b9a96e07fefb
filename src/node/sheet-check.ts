import {
  type Address,
  type Notary,
  ParleyError,
  type ProviderEntry,
  type QuotedModel,
  type QuoteSheet,
} from '../core/index.ts'

/** Checking a signature takes time: nobody keeps this node busy with a sheet of many thousands. */
const modelsMax = 1_000

/**
 * The sheet with the prices its provider signed and no others: they are listed, and compared with those of others, long
 * before anything is paid. Throws `payment_invalid` for the sheet of somebody else, and when no price holds.
 */
export function checkedSheet(
  sheet: QuoteSheet,
  { provider, signer }: Pick<ProviderEntry, 'provider' | 'signer'>,
  notary: Notary,
): QuoteSheet {
  const { chainId, escrow } = sheet.domain
  if (chainId !== notary.domain.chainId || !isSame(escrow, notary.domain.escrow)) {
    throw new ParleyError('payment_invalid', `the provider is paid on chain ${chainId} through ${escrow}`)
  }
  if (!isSame(sheet.provider, provider)) {
    throw new ParleyError('payment_invalid', `the sheet is of ${sheet.provider}, the registry says ${provider}`)
  }
  const models = sheet.models.slice(0, modelsMax).filter(({ quote: { message, signature } }) => {
    const signedBy = signerOf(notary, message, signature)
    return isSame(message.provider, provider) && signedBy !== undefined && isSame(signedBy, signer)
  })
  if (models.length === 0 && sheet.models.length > 0) {
    throw new ParleyError('payment_invalid', `none of the prices is signed by the provider's signer ${signer}`)
  }
  return { ...sheet, models }
}

function signerOf(
  notary: Notary,
  terms: QuotedModel['quote']['message'],
  signature: QuotedModel['quote']['signature'],
): Address | undefined {
  try {
    return notary.recover(notary.hashQuote(terms), signature)
  } catch {
    // A malformed signature is nobody's: that model is passed over like any other the provider did not sign.
    return undefined
  }
}

function isSame(a: Address, b: Address): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
