import { useTranslation } from 'react-i18next'
import { Button } from '../parts/button.tsx'
import { Banner } from '../parts/states.tsx'
import { saveAll, useDesk } from './desk.ts'

/** What stands in the way of the whole chat. */
export function Banners({ isOffline }: { isOffline: boolean }) {
  const { t } = useTranslation()
  const saveError = useDesk(state => state.saveError)
  if (!isOffline && saveError === undefined) return null
  return (
    <div className="mx-auto grid w-full max-w-3xl gap-2 px-4 pt-2">
      {isOffline && (
        <Banner tone="warning" title={t('chat.offline.name')}>
          {t('chat.offline.about')}
        </Banner>
      )}
      {saveError !== undefined && (
        <Banner
          tone="bad"
          title={t('chat.notSaved')}
          action={
            <Button size="sm" onClick={saveAll}>
              {t('common.retry')}
            </Button>
          }
        >
          {saveError instanceof Error ? saveError.message : String(saveError)}
        </Banner>
      )}
    </div>
  )
}
