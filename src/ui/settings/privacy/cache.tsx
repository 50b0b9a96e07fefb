import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { useApi, useChange } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { Card, Section } from '../../parts/page.tsx'

const limit = 200

/** Forgets answers that were kept, of one key or of all. */
export function PurgeCache() {
  const { t } = useTranslation()
  const { data } = useApi('GET /keys', { query: { limit, revoked: 'false' } })
  const [keyId, setKeyId] = useState('')
  const [isAsking, setIsAsking] = useState(false)
  const purge = useChange('POST /cache/purge')
  const done = () => {
    toast.success(t('settings.privacy.cachePurged'))
    setIsAsking(false)
  }
  return (
    <Section title={t('settings.privacy.cache')} about={t('settings.privacy.cacheAbout')}>
      <Card className="flex flex-wrap items-end gap-3">
        <Field label={t('settings.privacy.cacheKey')} className="flex-1 basis-52">
          <Select value={keyId} onChange={event => setKeyId(event.target.value)}>
            <option value="">{t('settings.privacy.cacheAll')}</option>
            {data?.data.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
        <Button onClick={() => setIsAsking(true)}>{t('settings.privacy.cachePurge')}</Button>
      </Card>
      <Confirm
        isOpen={isAsking}
        isDangerous
        onClose={() => setIsAsking(false)}
        title={t('settings.privacy.cachePurge')}
        description={t('settings.privacy.cacheConfirm')}
        action={t('settings.privacy.cachePurge')}
        isBusy={purge.isPending}
        error={purge.error instanceof Error && purge.error.message}
        onConfirm={() => purge.mutate({ body: keyId === '' ? {} : { keyId } }, { onSuccess: done })}
      />
    </Section>
  )
}
