import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Answer, api } from '../../client/api.ts'
import { Code } from '../../parts/copy.tsx'
import { Sheet, Way } from './frame.tsx'
import { CodeField } from './login.tsx'
import { PersonFields, usePerson } from './person.tsx'
import { useEnter, useWork } from './work.ts'

type Welcome = Answer<'POST /auth/signup'>

/** An account of one's own, where that is allowed; confirmed by mail where mail is sent. */
export function SignUp({ onBack }: { onBack: () => void }) {
  const { t } = useTranslation()
  const { isBusy, error, run } = useWork()
  const goIn = useEnter()
  const [person, setPerson] = usePerson()
  const [welcome, setWelcome] = useState<Welcome>()
  const take = async (answer: Welcome) => {
    if (answer.pass !== null && answer.secret === null) await goIn(answer.pass)
    else setWelcome(answer)
  }
  const signUp = () =>
    run(async () => await take(await api('POST /auth/signup', { body: { ...person, cookie: true } })))
  const confirm = (code: string) => {
    const { email, password } = person
    return run(
      async () => await take(await api('POST /auth/signup/confirm', { body: { email, password, code, cookie: true } })),
    )
  }
  const others = <Way onClick={onBack}>{t('signIn.toLogin')}</Way>
  if (welcome?.state === 'confirm') {
    return <Confirmation {...{ isBusy, error, others, email: person.email }} onCode={code => void confirm(code)} />
  }
  if (welcome !== undefined) {
    const go = () => void run(async () => welcome.pass && (await goIn(welcome.pass)))
    return (
      <Sheet title={t('signIn.welcome')} action={t('signIn.goOn')} {...{ isBusy, error }} onSubmit={go}>
        <p>{t('signIn.firstKey')}</p>
        <Code text={welcome.secret ?? ''} isSecret />
      </Sheet>
    )
  }
  return (
    <Sheet
      title={t('signIn.signUp')}
      action={t('signIn.create')}
      {...{ isBusy, error, others }}
      onSubmit={() => void signUp()}
    >
      <PersonFields person={person} onChange={setPerson} />
    </Sheet>
  )
}

interface ConfirmationProps {
  email: string
  isBusy: boolean
  error: unknown
  others: React.ReactNode
  onCode: (code: string) => void
}

function Confirmation({ email, onCode, ...rest }: ConfirmationProps) {
  const { t } = useTranslation()
  const [code, setCode] = useState('')
  return (
    <Sheet
      title={t('signIn.confirm')}
      about={t('signIn.confirmAbout', { email })}
      action={t('signIn.confirmAction')}
      {...rest}
      onSubmit={() => onCode(code.trim())}
    >
      <CodeField value={code} onChange={setCode} />
    </Sheet>
  )
}
