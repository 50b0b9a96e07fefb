import { useSession } from '../../client/session.ts'

export function SignIn() {
  const problem = useSession(session => session.problem)
  return <main className="grid h-full place-items-center">{problem ?? 'sign in'}</main>
}
