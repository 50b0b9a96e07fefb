import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Answer } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { Code } from '../../parts/copy.tsx'
import { relative } from '../../parts/format.ts'
import { Banner } from '../../parts/states.tsx'

type Chain = Answer<'GET /wallet'>['chain']

const example = '[chain]\nrpcUrls = ["https://rpc.example.org"]\ndeployment = "chain.json"'

/** What is the matter with the chain, where something is. */
export function ChainBanner({ chain }: { chain: Chain }) {
  const { t } = useTranslation()
  if (chain === null) {
    return (
      <Banner title={t('money.chain.none')}>
        <div className="grid gap-2">
          {t('money.chain.noneAbout')}
          <Code text={example} />
        </div>
      </Banner>
    )
  }
  if (!chain.isStale && chain.error === null) return null
  const isError = chain.error !== null
  return (
    <Banner
      tone="warning"
      title={t(isError ? 'money.chain.error' : 'money.chain.stale')}
      action={
        <Button asChild size="sm">
          <Link to={'/node/network' as '/'}>{t('money.chain.network')}</Link>
        </Button>
      }
    >
      {isError
        ? `${chain.error} ${t('money.chain.errorNext')}`
        : t('money.chain.staleAbout', {
            block: chain.blockNumber ?? '–',
            when: chain.readAt === null ? '–' : relative(chain.readAt),
          })}
    </Banner>
  )
}
