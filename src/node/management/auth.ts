import {
  createAccounts,
  createFirstRun,
  createInvitations,
  createMailCodes,
  createPageCodes,
  createPasswords,
  createSecondFactor,
  createSessions,
  createSignUp,
  createThrottle,
  createTokens,
  type KeyRing,
  type Keys,
  type Revisions,
  type SignUpSettings,
} from '../../auth/index.ts'
import type { Clock, Mailer, Random, Sealer, Shared, Store } from '../../core/index.ts'
import type { Auth } from './options.ts'

export interface AuthOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly shared: Pick<Shared, 'counters' | 'cache'>
  /** What signs tokens, the same on all nodes of an installation. */
  readonly masterKey: Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly keys: Keys
  readonly ring: Pick<KeyRing, 'verify'>
  readonly revisions: Pick<Revisions, 'changed'>
  /** Absent where no mail is sent. */
  readonly mailer?: Mailer | undefined
  /** Absent where nobody signs up. */
  readonly signUp?: (() => SignUpSettings) | undefined
  /** Told of mail that could not be sent. */
  readonly onMailError: (cause: unknown) => void
  /** Told of a refresh token that came twice: somebody else has it. */
  readonly onReuse?: (userId: string | null) => void
  /** How hard a password is to guess; as hard as is usual when missing. */
  readonly passwordLogN?: number
}

/** All of it, of the parts that the node has anyway. */
export function createAuth(options: AuthOptions): Auth {
  const { store, sealer, shared, masterKey, clock, random, keys, ring, revisions, mailer, passwordLogN: logN } = options
  const { users } = store
  const passwords = createPasswords({ random, ...(logN !== undefined && { logN }) })
  const tokens = createTokens({ masterKey, clock })
  const { onReuse } = options
  const sessions = createSessions({
    ...{ sessions: store.sessions, users, tokens, clock, random, masterKey },
    ...(onReuse !== undefined && { onReuse }),
  })
  const throttle = createThrottle(shared.counters)
  const secondFactor = createSecondFactor({ users, sealer, counters: shared.counters, clock, random })
  const codeParts = { masterKey, cache: shared.cache, counters: shared.counters, random }
  const mail =
    mailer === undefined ? {} : { mailCodes: createMailCodes({ ...codeParts, mailer, onError: options.onMailError }) }
  const signUp = options.signUp && {
    signUp: createSignUp({
      ...{ settings: options.signUp, users, budgets: store.budgets, keys, passwords, sessions, clock, ...mail },
      counters: shared.counters,
    }),
  }
  return {
    accounts: createAccounts({ users, passwords, sessions, throttle, secondFactor, clock, ...mail }),
    firstRun: createFirstRun({ users, passwords, tokens }),
    invitations: createInvitations({ users, passwords, tokens }),
    pageCodes: createPageCodes(codeParts),
    ...{ passwords, sessions, throttle, secondFactor, keys, ring, revisions },
    isSignUpOpen: () => options.signUp?.().isOpen === true,
    sendsMail: mailer !== undefined,
    ...signUp,
  }
}
