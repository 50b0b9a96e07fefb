import { useTranslation } from 'react-i18next'
import type { Network } from '../../client/api.ts'
import { Badge } from '../../parts/badge.tsx'
import { Copy, Short } from '../../parts/copy.tsx'
import { dateTime, duration, number, relative } from '../../parts/format.ts'
import { Card, Facts } from '../../parts/page.tsx'
import { lagOf } from './rpc.ts'

/** How well the chain is known, and what each of its RPC endpoints says. */
export function ChainCard({ network: { chain, rpc } }: { network: Network }) {
  const { t } = useTranslation()
  if (chain === null) return null
  const isBehind = chain.isStale || chain.error !== null
  return (
    <Card className="grid content-start gap-3">
      <div className="flex items-center justify-between gap-2">
        <h2 className="font-semibold">{t('node.network.chain')}</h2>
        <Badge tone={isBehind ? 'warning' : 'good'}>
          {isBehind ? t('node.network.behind') : t('node.network.fresh')}
        </Badge>
      </div>
      <Facts
        facts={[
          [t('node.network.chainName'), `${chain.name} (${chain.id})`],
          [
            t('node.network.block'),
            <span key="block" className="tabular">
              {chain.blockNumber === null ? '–' : `#${number(Number(chain.blockNumber))}`}
            </span>,
          ],
          [
            t('node.network.read'),
            chain.readAt === null ? (
              t('node.network.readNever')
            ) : (
              <time key="read" dateTime={chain.readAt} title={dateTime(chain.readAt)}>
                {relative(chain.readAt)}
              </time>
            ),
          ],
        ]}
      />
      {rpc.length > 0 && (
        <div className="grid gap-1.5 border-t pt-3">
          <h3 className="text-[0.8125rem] text-muted-foreground">{t('node.network.rpc')}</h3>
          <ul className="grid gap-1.5">
            {rpc.map((each, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: hosts may be there twice
              <RpcRow key={index} rpc={each} lag={lagOf(rpc, each.blockNumber)} />
            ))}
          </ul>
        </div>
      )}
    </Card>
  )
}

function RpcRow({ rpc: { host, blockNumber, ms, error }, lag }: { rpc: Network['rpc'][number]; lag: number }) {
  const { t } = useTranslation()
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <span className="min-w-0 flex-1 truncate font-mono text-[0.8125rem]" title={host}>
        {host}
      </span>
      <span className="tabular text-xs text-muted-foreground">
        {blockNumber !== null && `#${blockNumber} · `}
        {duration(Math.round(ms))}
      </span>
      <Badge tone={error !== null ? 'bad' : lag > 0 ? 'warning' : 'good'}>
        {error !== null
          ? t('node.network.rpcFailed')
          : lag > 0
            ? t('node.network.rpcLagging', { count: lag })
            : t('node.network.rpcOk')}
      </Badge>
      {error !== null && <p className="w-full text-xs break-words text-muted-foreground">{error}</p>}
    </li>
  )
}

/** How others see this node. */
export function PeerCard({ network: { peer } }: { network: Network }) {
  const { t } = useTranslation()
  return (
    <Card className="grid content-start gap-3">
      <h2 className="font-semibold">{t('node.network.peer')}</h2>
      {peer === null ? (
        <p className="text-muted-foreground">
          {t('node.network.peerNone')}. {t('node.network.peerNoneAbout')}
        </p>
      ) : (
        <Facts
          facts={[
            [t('node.network.peerId'), <Short key="id" text={peer.peerId} />],
            [
              t('node.network.connected'),
              <span key="connected" className="tabular">
                {number(peer.connected)}
              </span>,
            ],
            [
              t('node.network.addresses'),
              peer.addresses.length === 0 ? (
                '–'
              ) : (
                <ul key="addresses" className="grid gap-1">
                  {peer.addresses.map(address => (
                    <li key={address} className="flex items-center gap-1">
                      <code className="min-w-0 truncate text-xs" title={address}>
                        {address}
                      </code>
                      <Copy text={address} />
                    </li>
                  ))}
                </ul>
              ),
            ],
          ]}
        />
      )}
    </Card>
  )
}
