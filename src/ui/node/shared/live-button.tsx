import { Pause, Play } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'

/** Whether a list moves by itself. */
export function LiveButton({ isLive, onChange }: { isLive: boolean; onChange: (isLive: boolean) => void }) {
  const { t } = useTranslation()
  return (
    <Button aria-pressed={isLive} onClick={() => onChange(!isLive)}>
      {isLive ? <Pause aria-hidden /> : <Play aria-hidden />}
      {isLive ? t('node.pause') : t('node.follow')}
    </Button>
  )
}
