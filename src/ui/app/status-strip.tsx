import { Link } from '@tanstack/react-router'
import { PanelLeft } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, useApi } from '../client/api.ts'
import { useMay, useSession } from '../client/session.ts'
import { Dot, type Tone } from '../parts/badge.tsx'
import { units } from '../parts/format.ts'
import { Tip } from '../parts/tip.tsx'

const everyMs = 10_000

/** How the node is, on every page; each part leads to what tells more. */
export function StatusStrip({ onShowRail }: { onShowRail: (() => void) | undefined }) {
  const { t } = useTranslation()
  const mayView = useMay('viewer')
  const isNode = useSession(({ state }) => state === 'signed_in')
  return (
    <section
      aria-label={t('app.statusOf')}
      className="flex h-7 items-center gap-1 overflow-x-auto border-t bg-rail px-2 text-xs text-muted-foreground max-md:hidden"
    >
      {onShowRail && (
        <Tip text={t('app.menu')}>
          <button type="button" aria-label={t('app.menu')} onClick={onShowRail} className="rounded p-1 hover:bg-muted">
            <PanelLeft aria-hidden className="size-3.5" />
          </button>
        </Tip>
      )}
      {isNode && mayView ? <NodeState /> : <span className="px-1.5">Parley</span>}
    </section>
  )
}

function NodeState() {
  const { t } = useTranslation()
  const { data, isError } = useApi('GET /status', {}, { refetchInterval: everyMs })
  if (isError) return <Part tone="bad" to="/node" text={t('app.strip.unreachable')} />
  if (data === undefined) return null
  return <Parts status={data} />
}

function Parts({ status }: { status: Answer<'GET /status'> }) {
  const { t } = useTranslation()
  const { chain, peers, models, balance } = status.summary
  const isBehind = chain?.isStale === true || (chain?.error ?? null) !== null
  return (
    <>
      {chain ? (
        <Part
          tone={isBehind ? 'warning' : 'good'}
          to="/node/network"
          isExamined={isBehind}
          text={
            isBehind
              ? t('app.strip.chainStale', { id: chain.id })
              : t('app.strip.chain', { id: chain.id, block: chain.blockNumber ?? '–' })
          }
        />
      ) : (
        <Part tone="neutral" to="/node/network" text={t('app.strip.chainNone')} />
      )}
      {typeof peers === 'number' && (
        <Part
          tone={peers > 0 ? 'good' : 'warning'}
          to="/node/network"
          isExamined={peers === 0}
          text={t('app.strip.peers', { count: peers })}
        />
      )}
      <Part tone={models > 0 ? 'good' : 'warning'} to="/node/models" text={t('app.strip.models', { count: models })} />
      {balance && <Part to="/money" text={units(balance.escrow, balance.decimals, balance.symbol)} />}
      <span className="ml-auto px-1.5 tabular">v{status.version}</span>
    </>
  )
}

interface PartProps {
  tone?: Tone
  to: string
  text: ReactNode
  /** Something is the matter: it leads to what the doctor finds. */
  isExamined?: boolean
}

function Part({ tone, to, text, isExamined }: PartProps) {
  return (
    <Link
      to={to as '/'}
      {...(isExamined && { search: { doctor: '1' } as never })}
      className="tabular flex items-center gap-1.5 rounded px-1.5 py-0.5 whitespace-nowrap hover:bg-muted hover:text-foreground"
    >
      {tone && <Dot tone={tone} />}
      {text}
    </Link>
  )
}
