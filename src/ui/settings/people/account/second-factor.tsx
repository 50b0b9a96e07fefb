import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { api, useChange } from '../../../client/api.ts'
import { useSession } from '../../../client/session.ts'
import { Badge } from '../../../parts/badge.tsx'
import { Button } from '../../../parts/button.tsx'
import { Code } from '../../../parts/copy.tsx'
import { Field, Input } from '../../../parts/field.tsx'
import { FormDialog } from '../../../parts/form-dialog.tsx'
import { Card, Section } from '../../../parts/page.tsx'
import { Qr } from '../../../parts/qr.tsx'
import { Waiting } from '../../../parts/states.tsx'

/** Codes of an authenticator app, besides the password. */
export function SecondFactor({ isOn }: { isOn: boolean }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState<'enrol' | 'remove'>()
  const enrol = useChange('POST /auth/totp')
  const close = () => setOpen(undefined)
  const begin = () => {
    setOpen('enrol')
    enrol.mutate({})
  }
  return (
    <Section title={t('settings.account.totp')}>
      <Card className="flex flex-wrap items-center justify-between gap-3">
        <div className="grid flex-1 basis-56 gap-1">
          <Badge tone={isOn ? 'good' : 'neutral'} className="justify-self-start">
            {isOn ? t('common.on') : t('common.off')}
          </Badge>
          <p className="text-muted-foreground">{t(isOn ? 'settings.account.totpOn' : 'settings.account.totpOff')}</p>
        </div>
        {isOn ? (
          <Button onClick={() => setOpen('remove')}>{t('settings.account.totpRemove')}</Button>
        ) : (
          <Button onClick={begin}>{t('settings.account.totpSetUp')}</Button>
        )}
      </Card>
      {open === 'enrol' && <Enrol enrolment={enrol.data} failure={enrol.error} onClose={close} />}
      {open === 'remove' && <Remove onClose={close} />}
    </Section>
  )
}

interface EnrolProps {
  enrolment: { readonly secret: string; readonly uri: string } | undefined
  failure: unknown
  onClose: () => void
}

function Enrol({ enrolment, failure, onClose }: EnrolProps) {
  const { t } = useTranslation()
  const [code, setCode] = useState('')
  const confirm = useChange('POST /auth/totp/confirm')
  const done = () => {
    void readSelf()
    toast.success(t('settings.account.totpDone'))
    onClose()
  }
  return (
    <FormDialog
      onClose={onClose}
      title={t('settings.account.totp')}
      description={t('settings.account.totpScan')}
      action={t('settings.account.totpConfirm')}
      isReady={code.trim() !== '' && enrolment !== undefined}
      isBusy={confirm.isPending}
      error={failure ?? confirm.error}
      onSubmit={() => confirm.mutate({ body: { code: code.trim() } }, { onSuccess: done })}
    >
      {enrolment === undefined ? (
        <Waiting />
      ) : (
        <>
          <div className="flex justify-center">
            <Qr text={enrolment.uri} label={t('settings.account.totpQr')} size={192} />
          </div>
          <div className="grid gap-1.5">
            <span className="font-medium">{t('settings.account.totpSecret')}</span>
            <Code text={enrolment.secret} isSecret />
          </div>
        </>
      )}
      <CodeField value={code} onChange={setCode} />
    </FormDialog>
  )
}

function Remove({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [code, setCode] = useState('')
  const remove = useChange('POST /auth/totp/remove')
  const done = () => {
    void readSelf()
    toast.success(t('settings.account.totpRemoved'))
    onClose()
  }
  return (
    <FormDialog
      onClose={onClose}
      title={t('settings.account.totpRemoveTitle')}
      description={t('settings.account.totpRemoveAbout')}
      action={t('settings.account.totpRemove')}
      isReady={code.trim() !== ''}
      isBusy={remove.isPending}
      error={remove.error}
      onSubmit={() => remove.mutate({ body: { code: code.trim() } }, { onSuccess: done })}
    >
      <CodeField value={code} onChange={setCode} />
    </FormDialog>
  )
}

function CodeField({ value, onChange }: { value: string; onChange: (code: string) => void }) {
  const { t } = useTranslation()
  return (
    <Field label={t('settings.account.totpCode')}>
      <Input
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        maxLength={32}
        className="tabular h-11 text-center font-mono text-lg tracking-[0.3em]"
        value={value}
        onChange={event => onChange(event.target.value)}
      />
    </Field>
  )
}

async function readSelf(): Promise<void> {
  useSession.setState({ me: await api('GET /auth/me') })
}
