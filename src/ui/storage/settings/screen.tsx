import { useTranslation } from 'react-i18next'
import { Page } from '../../parts/page.tsx'
import { Banner } from '../../parts/states.tsx'
import { useChats, useHistory } from '../store.ts'
import { ClearSection, RetentionSection } from './clear.tsx'
import { ExportSection } from './export.tsx'
import { HomesSection } from './homes.tsx'
import { ImportSection } from './import.tsx'
import { SpaceSection } from './space.tsx'

/** Settings → Storage: where chats live, and how to take them along. */
export function Screen() {
  const { t } = useTranslation()
  const isMemory = useHistory(state => state.isMemory)
  useChats()
  return (
    <Page isNarrow title={t('storage.page.title')} about={t('storage.page.about')}>
      {isMemory && (
        <Banner tone="warning" title={t('storage.page.memory')}>
          {t('storage.page.memoryAbout')}
        </Banner>
      )}
      <HomesSection />
      <SpaceSection />
      <div className="grid gap-5 md:grid-cols-2">
        <ExportSection />
        <ImportSection />
      </div>
      <RetentionSection />
      <ClearSection />
    </Page>
  )
}
