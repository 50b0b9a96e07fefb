import type { KeyRow, Role, UserRow } from './records.ts'

/** Who manages: somebody who logged in, the owner of an API key, or whoever can read the files of this machine. */
export interface Actor {
  readonly kind: 'user' | 'key' | 'machine'
  /** Of the user or the key. */
  readonly id: string
  readonly role: Role
  /** Of who logged in, or came in on the page. */
  readonly sessionId?: string
}

/** Where a request came from. */
export interface Visitor {
  readonly address: string
  readonly userAgent: string
}

/** What somebody who has logged in keeps. */
export interface Pass {
  readonly accessToken: string
  readonly accessLifeMs: number
  readonly refreshToken: string
  readonly refreshLifeMs: number
}

export interface Credentials {
  readonly email: string
  readonly password: string
  /** Of an authenticator app, or from the mail. */
  readonly code?: string | undefined
}

export interface Person {
  readonly email: string
  readonly name: string
  readonly password: string
}

export type KeyView = Omit<KeyRow, 'hash'>
export type UserView = Omit<UserRow, 'passwordHash' | 'totpSecret'>

/** Who somebody is, to themselves. */
export interface Self {
  readonly actor: Actor
  readonly user?: UserView
  readonly key?: KeyView
}

/** An account that its owner made, and the secret of its first API key, shown this once. */
export interface Welcome {
  readonly pass: Pass
  readonly secret: string
}

/** How people prove who they are. Guesses are bounded: `rate_limited`. */
export interface AccountDesk {
  /** The first admin, by the token that is shown where the node runs. `conflict` once there is one. */
  readonly setUp: (token: string, person: Person, visitor: Visitor) => Promise<Pass>
  /** Undefined when a code was sent. Throws `forbidden` where nobody may sign up. */
  readonly signUp: (person: Person, visitor: Visitor) => Promise<Welcome | undefined>
  readonly confirmSignUp: (credentials: Required<Credentials>, visitor: Visitor) => Promise<Welcome>
  readonly acceptInvitation: (token: string, password: string, visitor: Visitor) => Promise<Pass>
  /** `unauthorized` with `details.needs` where the password was right and a code is missing. */
  readonly logIn: (credentials: Credentials, visitor: Visitor) => Promise<Pass>
  /** A code by which whoever has it comes in as the machine, once and within ten minutes. For the machine alone. */
  readonly makePageCode: () => Promise<string>
  /** `unauthorized` for a code that is wrong, used or too old. */
  readonly redeemPageCode: (code: string, visitor: Visitor) => Promise<Pass>
  readonly state: () => Promise<SignInState>
  readonly refresh: (refreshToken: string) => Promise<Pass>
  readonly logOut: (refreshToken: string) => Promise<void>
  readonly self: (actor: Actor) => Promise<Self>
  /** Ends all sessions of the user and begins a new one. */
  readonly changePassword: (actor: Actor, change: PasswordChange, visitor: Visitor) => Promise<Pass>
  /** Says nothing about whether the address has an account. */
  readonly forgotPassword: (email: string, visitor: Visitor) => Promise<void>
  readonly resetPassword: (credentials: Required<Credentials>, visitor: Visitor) => Promise<void>
  readonly enrolCode: (actor: Actor) => Promise<{ readonly secret: string; readonly uri: string }>
  readonly confirmCode: (actor: Actor, code: string) => Promise<void>
  /** Whoever takes it away has one of its codes. */
  readonly removeCode: (actor: Actor, code: string) => Promise<void>
}

/** By what ways somebody comes in here: for a page that knows nobody yet. */
export interface SignInState {
  /** Whether anybody has an account. */
  readonly users: boolean
  /** Whether people may make accounts by themselves. */
  readonly signUp: boolean
  /** Whether codes are sent by mail. */
  readonly mail: boolean
}

export interface PasswordChange {
  readonly current: string
  readonly next: string
}
