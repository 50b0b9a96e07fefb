import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { dollars, units } from '../../parts/format.ts'

interface Priced {
  readonly cost: string | null
  readonly costUnits: string | null
}

/** What a call cost: dollars of a service, or tokens that a peer was paid; a dash where no price is known. */
export function usePriceOf(): (request: Priced) => string {
  const { t } = useTranslation()
  const { data } = useApi('GET /status', {}, { enabled: useMay('viewer') })
  const token = data?.summary.balance
  return ({ cost, costUnits }) => {
    if (costUnits !== null) {
      return token ? units(costUnits, token.decimals, token.symbol) : t('node.requests.units', { amount: costUnits })
    }
    return cost === null ? '–' : dollars(cost)
  }
}
