import { LockKeyhole } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { Card, Section } from '../../parts/page.tsx'
import { forgetVault, lock, lockMinutes, setLockMinutes, useVault } from '../vault.ts'
import { UnlockForm } from './unlock.tsx'

const choices = [5, 15, 30, 60, 240]

/** The keys that are kept in this browser, and when they are locked. */
export function VaultSection() {
  const { t } = useTranslation()
  const state = useVault(vault => vault.state)
  const [minutes, setMinutes] = useState(lockMinutes)
  const [isForgetting, setIsForgetting] = useState(false)
  return (
    <Section title={t('storage.vault.title')} about={t('storage.vault.about')}>
      <Card className="grid gap-4">
        {state === 'none' ? (
          <p className="text-muted-foreground">{t('storage.vault.none')}</p>
        ) : (
          <>
            <div className="flex flex-wrap items-center justify-between gap-3">
              <Badge tone={state === 'open' ? 'good' : 'neutral'}>{t(`storage.vault.${state}`)}</Badge>
              <div className="flex flex-wrap gap-2">
                {state === 'open' && (
                  <Button size="sm" onClick={lock}>
                    <LockKeyhole aria-hidden />
                    {t('storage.vault.lock')}
                  </Button>
                )}
                <Button size="sm" onClick={() => setIsForgetting(true)}>
                  {t('storage.vault.forget')}
                </Button>
              </div>
            </div>
            {state === 'locked' && <UnlockForm />}
          </>
        )}
        <Field label={t('storage.vault.lockAfter')} className="max-w-64">
          <Select
            value={minutes}
            onChange={event => {
              setMinutes(Number(event.target.value))
              setLockMinutes(Number(event.target.value))
            }}
          >
            {choices.map(choice => (
              <option key={choice} value={choice}>
                {t('storage.vault.minutes', { count: choice })}
              </option>
            ))}
            <option value={0}>{t('storage.vault.never')}</option>
          </Select>
        </Field>
      </Card>
      <Confirm
        isOpen={isForgetting}
        isDangerous
        onClose={() => setIsForgetting(false)}
        title={t('storage.vault.forgetTitle')}
        description={t('storage.vault.forgetAbout')}
        action={t('storage.vault.forget')}
        onConfirm={() => {
          forgetVault()
          setIsForgetting(false)
        }}
      />
    </Section>
  )
}
