import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { Button } from '../../parts/button.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { Card, Section } from '../../parts/page.tsx'
import { keepChoice, useStorageChoice } from '../choice.ts'
import { openHome, useHistory } from '../store.ts'

const days = [7, 30, 90, 365]

export function RetentionSection() {
  const { t } = useTranslation()
  const { retentionDays } = useStorageChoice()
  return (
    <Section title={t('storage.retention.title')}>
      <Card>
        <Field label={t('storage.retention.title')} hint={t('storage.retention.about')} className="max-w-96">
          <Select
            value={retentionDays ?? 0}
            onChange={event => keepChoice({ retentionDays: Number(event.target.value) || undefined })}
          >
            <option value={0}>{t('storage.retention.forever')}</option>
            {days.map(count => (
              <option key={count} value={count}>
                {t('storage.retention.days', { count })}
              </option>
            ))}
          </Select>
        </Field>
      </Card>
    </Section>
  )
}

export function ClearSection() {
  const { t } = useTranslation()
  const count = useHistory(({ chats }) => chats.length)
  const home = useStorageChoice(choice => choice.home)
  const [isAsking, setIsAsking] = useState(false)
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<string>()
  const clear = async () => {
    setIsBusy(true)
    try {
      await (await openHome()).home.clear()
      setIsAsking(false)
      toast(t('storage.clear.done'))
    } catch (cause) {
      setError(String(cause))
    } finally {
      setIsBusy(false)
    }
  }
  return (
    <Section title={t('storage.clear.title')}>
      <Card className="flex flex-wrap items-center justify-between gap-3">
        <p className="text-muted-foreground">{t('storage.clear.about')}</p>
        <Button look="danger" disabled={count === 0} onClick={() => setIsAsking(true)}>
          <Trash2 aria-hidden />
          {t('storage.clear.action')}
        </Button>
      </Card>
      {isAsking && (
        <Confirm
          isOpen
          isDangerous
          onClose={() => setIsAsking(false)}
          title={t('storage.clear.confirm')}
          description={t('storage.clear.confirmAbout', { count, home: t(`storage.homes.${home}`) })}
          action={t('storage.clear.action')}
          typed={t('storage.clear.typed')}
          isBusy={isBusy}
          error={error}
          onConfirm={() => void clear()}
        />
      )}
    </Section>
  )
}
