import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { units } from '../../parts/format.ts'
import { calmMs } from '../shared/pace.ts'

export const lineNames = ['model', 'provider', 'app', 'chain', 'wallet', 'funds'] as const
export type LineName = (typeof lineNames)[number]

export interface Line {
  readonly name: LineName
  readonly isDone: boolean
  readonly text: string
  /** To be typed where the node runs. */
  readonly command?: string
  readonly action: string
  readonly to: string
  readonly hash?: string
}

const builtIn = 'parley-nano'

/** How far this node is, line by line; undefined while that is not known. */
export function useLines(): readonly Line[] | undefined {
  const { t } = useTranslation()
  const mayView = useMay('viewer')
  const wish = { refetchInterval: calmMs, enabled: mayView }
  const { data: models } = useApi('GET /models', {}, wish)
  const { data: status } = useApi('GET /status', {}, wish)
  const { data: wallet, isError: isWalletHidden } = useApi('GET /wallet', {}, wish)
  const { data: keys } = useApi('GET /keys', { query: { limit: 200 } }, wish)
  if (models === undefined || status === undefined || (wallet === undefined && !isWalletHidden)) return undefined
  const { chain, balance } = status.summary
  const real = models.data.filter(({ id }) => id !== builtIn)
  const others = models.data.some(({ offers }) => offers.some(({ kind, state }) => kind !== 'local' && state === 'up'))
  const hasFunds = balance !== null && BigInt(balance.escrow) > 0n
  const isUsed = keys?.data.some(({ lastUsedAt }) => lastUsedAt !== null) === true
  const words = 'node.overview.checklist.lines'
  return [
    {
      name: 'model',
      isDone: real.length > 0,
      text:
        real.length > 0
          ? t(`${words}.model.done`, { count: models.data.length })
          : t(models.data.length > 0 ? `${words}.model.open` : `${words}.model.none`),
      command: t('node.models.pullExample'),
      action: t(`${words}.model.action`),
      to: '/node/providers',
    },
    {
      name: 'provider',
      isDone: others,
      text: t(others ? `${words}.provider.done` : `${words}.provider.open`),
      action: t(`${words}.provider.action`),
      to: '/node/providers',
    },
    {
      name: 'app',
      isDone: isUsed,
      text: t(isUsed ? `${words}.app.done` : `${words}.app.open`),
      action: t(`${words}.app.action`),
      to: '/node',
      hash: 'connect',
    },
    {
      name: 'chain',
      isDone: chain !== null,
      text: chain === null ? t(`${words}.chain.open`) : t(`${words}.chain.done`, { id: chain.id }),
      action: t(`${words}.chain.action`),
      to: '/node/network',
    },
    {
      name: 'wallet',
      isDone: wallet?.state === 'open',
      text: t(`${words}.wallet.${wallet?.state === 'open' ? 'done' : wallet?.state === 'locked' ? 'locked' : 'open'}`),
      action: t(wallet?.state === 'locked' ? `${words}.wallet.unlock` : `${words}.wallet.action`),
      to: '/money',
    },
    {
      name: 'funds',
      isDone: hasFunds,
      text: hasFunds
        ? t(`${words}.funds.done`, { amount: units(balance.escrow, balance.decimals, balance.symbol) })
        : t(`${words}.funds.open`),
      action: t(`${words}.funds.action`),
      to: '/money',
    },
  ]
}
