import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { useChange } from '../../../client/api.ts'
import { enter, useSession } from '../../../client/session.ts'
import { Badge } from '../../../parts/badge.tsx'
import { Button } from '../../../parts/button.tsx'
import { Field } from '../../../parts/field.tsx'
import { Card, Facts, Section } from '../../../parts/page.tsx'
import { PasswordInput, passwordLength, Strength } from '../../../parts/password.tsx'
import { SecondFactor } from './second-factor.tsx'
import { OpenSessions } from './sessions.tsx'

/** What belongs to who is signed in. */
export function Account() {
  const { t } = useTranslation()
  const user = useSession(({ me }) => me?.user)
  if (!user) return null
  return (
    <div className="grid gap-6">
      <Section title={t('settings.account.profile')}>
        <Card>
          <Facts
            facts={[
              [t('settings.users.name'), user.name],
              [t('settings.users.email'), user.email],
              [
                t('settings.users.role'),
                <span key="role" className="flex flex-wrap items-center gap-x-2">
                  <Badge tone="accent">{t(`settings.users.roles.${user.role}`)}</Badge>
                  <span className="text-muted-foreground">{t(`settings.users.rights.${user.role}`)}</span>
                </span>,
              ],
            ]}
          />
        </Card>
      </Section>
      <div className="grid items-start gap-6 lg:grid-cols-2">
        <Password />
        <SecondFactor isOn={user.totp} />
      </div>
      <OpenSessions />
    </div>
  )
}

function Password() {
  const { t } = useTranslation()
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const change = useChange('POST /auth/password', ['/sessions'])
  const submit = () =>
    change.mutate(
      { body: { current, next, cookie: true } },
      {
        onSuccess: pass => {
          void enter(pass)
          setCurrent('')
          setNext('')
          toast.success(t('settings.account.changed'))
        },
      },
    )
  return (
    <Section title={t('settings.account.password')} about={t('settings.account.passwordAbout')}>
      <Card>
        <form
          className="grid gap-4"
          onSubmit={event => {
            event.preventDefault()
            submit()
          }}
        >
          <Field label={t('settings.account.current')} error={change.error instanceof Error && change.error.message}>
            <PasswordInput
              required
              autoComplete="current-password"
              value={current}
              onChange={event => setCurrent(event.target.value)}
            />
          </Field>
          <div className="grid gap-2">
            <Field label={t('settings.account.next')}>
              <PasswordInput
                required
                minLength={passwordLength}
                autoComplete="new-password"
                value={next}
                onChange={event => setNext(event.target.value)}
              />
            </Field>
            <Strength password={next} />
          </div>
          <Button type="submit" className="justify-self-start" isBusy={change.isPending}>
            {t('settings.account.change')}
          </Button>
        </form>
      </Card>
    </Section>
  )
}
