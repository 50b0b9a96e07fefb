import { useTranslation } from 'react-i18next'
import { type Key, useApi } from '../../../client/api.ts'
import { useMay } from '../../../client/session.ts'
import { compact, number, units } from '../../../parts/format.ts'

/** What a key is bounded by, in a few words. */
export function useLimits(): (key: Key) => string {
  const { t } = useTranslation()
  const token = useToken()
  return ({ rpm, tpm, parallel, maxPrice, maxPerDay }) =>
    [
      rpm !== null && t('settings.keys.rpmShort', { count: rpm }),
      tpm !== null && t('settings.keys.tpmShort', { tokens: compact(tpm) }),
      parallel !== null && t('settings.keys.parallelShort', { count: parallel }),
      maxPrice !== null && `≤ ${token ? units(maxPrice, token.decimals, token.symbol) : number(Number(maxPrice))}`,
      maxPerDay !== null && `≤ ${token ? units(maxPerDay, token.decimals, token.symbol) : number(Number(maxPerDay))}/d`,
    ]
      .filter(text => text !== false)
      .join(' · ')
}

/** The escrow's token, where this caller may know it and there is one. */
export function useToken(): { readonly symbol: string; readonly decimals: number } | null {
  const mayView = useMay('viewer')
  const { data } = useApi('GET /wallet', {}, { enabled: mayView, staleTime: 60_000 })
  return data?.token ?? null
}
