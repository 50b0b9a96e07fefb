import { RotateCw } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Session, tryAgain, useSession } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Banner } from '../../parts/states.tsx'
import { Forgotten } from './forgotten.tsx'
import { Frame, Way } from './frame.tsx'
import { Login } from './login.tsx'
import { Machine } from './machine.tsx'
import { FirstAdmin, Invitation } from './offers.tsx'
import { SignUp } from './sign-up.tsx'

const retryMs = 4_000

/** The door of a node. The address stays as it is: whoever comes in is where he wanted to go. */
export function SignIn() {
  const problem = useSession(session => session.problem)
  const ways = useSession(session => session.ways)
  const offer = useSession(session => session.offer)
  return (
    <Frame>
      {problem === 'unreachable' && <Unreachable />}
      {ways && (offer?.kind === 'invitation' ? <Invitation token={offer.token} /> : <Doors ways={ways} />)}
    </Frame>
  )
}

/** Asks again until the node is there. */
function Unreachable() {
  const { t } = useTranslation()
  useEffect(() => {
    const timer = setInterval(() => void tryAgain(), retryMs)
    return () => clearInterval(timer)
  }, [])
  return (
    <Banner
      tone="bad"
      title={t('signIn.unreachable')}
      action={
        <Button size="sm" onClick={() => void tryAgain()}>
          <RotateCw aria-hidden />
          {t('common.retry')}
        </Button>
      }
    >
      {t('signIn.unreachableAbout')}
    </Banner>
  )
}

type Door = 'login' | 'machine' | 'first' | 'sign_up' | 'forgotten'

function Doors({ ways }: { ways: NonNullable<Session['ways']> }) {
  const { t } = useTranslation()
  const offer = useSession(session => session.offer)
  const problem = useSession(session => session.problem)
  const [chosen, setDoor] = useState<Door>()
  const usual = ways.users ? 'login' : 'machine'
  // A link that was used is renewed where the node runs.
  const door = chosen ?? (offer?.kind === 'setup' ? 'first' : problem === 'link_used' ? 'machine' : usual)
  const back = () => setDoor(usual)
  const notice = (problem === 'link_used' || problem === 'ended') && (
    <Banner tone="warning">{t(problem === 'link_used' ? 'signIn.linkUsed' : 'signIn.ended')}</Banner>
  )
  const toLogin = ways.users && door !== 'login' && <Way onClick={() => setDoor('login')}>{t('signIn.byMail')}</Way>
  const toSignUp = ways.signUp && <Way onClick={() => setDoor('sign_up')}>{t('signIn.signUp')}</Way>
  if (door === 'first') return <FirstAdmin onBack={back} {...(offer && { token: offer.token })} />
  if (door === 'sign_up') return <SignUp onBack={back} />
  if (door === 'forgotten') return <Forgotten onBack={back} />
  if (door === 'machine') {
    const first = !ways.users && <Way onClick={() => setDoor('first')}>{t('signIn.toFirst')}</Way>
    return <Machine notice={notice} others={[toLogin, toSignUp, first].filter(Boolean).map(keyed)} />
  }
  const forgotten = ways.mail && <Way onClick={() => setDoor('forgotten')}>{t('signIn.toForgotten')}</Way>
  const machine = <Way onClick={() => setDoor('machine')}>{t('signIn.toMachine')}</Way>
  return <Login notice={notice} others={[forgotten, toSignUp, machine].filter(Boolean).map(keyed)} />
}

function keyed(way: React.ReactNode, at: number) {
  return <span key={at}>{way}</span>
}
