import { useTranslation } from 'react-i18next'
import { Page } from '../../parts/page.tsx'
import { Checklist } from '../checklist/card.tsx'
import { ConnectCard } from '../connect/card.tsx'
import { StoreBanner } from '../shared/store-banner.tsx'
import { Numbers } from './numbers.tsx'
import { Traffic } from './traffic.tsx'
import { Trouble } from './trouble.tsx'

/** Is it fine? */
export function Screen() {
  const { t } = useTranslation()
  return (
    <Page title={t('node.overview.title')} about={t('node.overview.about')}>
      <StoreBanner />
      <Trouble />
      <Numbers />
      <div className="grid items-start gap-5 xl:grid-cols-[1fr_1fr]">
        <div className="grid gap-5">
          <Traffic />
          <Checklist />
        </div>
        <ConnectCard />
      </div>
    </Page>
  )
}
