import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../client/api.ts'
import { decline, type Offer } from '../../client/session.ts'
import { Code } from '../../parts/copy.tsx'
import { Field, Input } from '../../parts/field.tsx'
import { Sheet, Way } from './frame.tsx'
import { NewPassword } from './new-password.tsx'
import { PersonFields, usePerson } from './person.tsx'
import { useEnter, useWork } from './work.ts'

/** Somebody was invited, and chooses a password. */
export function Invitation({ token }: Pick<Offer, 'token'>) {
  const { t } = useTranslation()
  const { isBusy, error, run } = useWork()
  const goIn = useEnter()
  const [password, setPassword] = useState('')
  const accept = () =>
    run(async () => await goIn(await api('POST /auth/invitation', { body: { token, password, cookie: true } })))
  return (
    <Sheet
      title={t('signIn.invited')}
      about={t('signIn.invitedAbout')}
      action={t('signIn.accept')}
      {...{ isBusy, error }}
      onSubmit={() => void accept()}
      others={<Way onClick={() => void decline()}>{t('signIn.notNow')}</Way>}
    >
      <NewPassword value={password} onChange={setPassword} isFirst />
    </Sheet>
  )
}

/** The first account of a node, an admin's; by a token that is shown where it runs. */
export function FirstAdmin({ token: given, onBack }: { token?: string; onBack: () => void }) {
  const { t } = useTranslation()
  const { isBusy, error, run } = useWork()
  const goIn = useEnter()
  const [token, setToken] = useState(given ?? '')
  const [person, setPerson] = usePerson()
  const setUp = () =>
    run(
      async () => await goIn(await api('POST /auth/setup', { body: { ...person, token: token.trim(), cookie: true } })),
    )
  return (
    <Sheet
      title={t('signIn.first')}
      about={t('signIn.firstAbout')}
      action={t('signIn.create')}
      {...{ isBusy, error }}
      onSubmit={() => void setUp()}
      others={<Way onClick={onBack}>{t('common.back')}</Way>}
    >
      {given === undefined && (
        <>
          <Code text="parley admin setup" />
          <Field label={t('signIn.token')} hint={t('signIn.tokenHint')}>
            <Input
              name="token"
              required
              autoFocus
              className="h-11 font-mono"
              value={token}
              onChange={event => setToken(event.target.value)}
            />
          </Field>
        </>
      )}
      <PersonFields person={person} onChange={setPerson} />
    </Sheet>
  )
}
