import { create } from 'zustand'
import type { Me } from './generated/api.ts'
import { inTurn } from './plain-http.ts'

/**
 * Who uses these pages. The access token is in memory alone; a cookie no script can read brings the next one, also after the
 * page was loaded anew.
 */
export interface Session {
  readonly state: 'starting' | 'signed_out' | 'signed_in' | 'static'
  readonly me: Me | undefined
  /** How one can sign in here. */
  readonly ways: { readonly users: boolean; readonly signUp: boolean; readonly mail: boolean } | undefined
  /** Why nobody is signed in, as a code of the words `signIn.…`. */
  readonly problem: 'link_used' | 'unreachable' | 'ended' | undefined
  /** What an address brought that is used once: for the first account, or for that of somebody who was invited. */
  readonly offer: Offer | undefined
}

export interface Offer {
  readonly kind: 'setup' | 'invitation'
  readonly token: string
}

interface Pass {
  readonly accessToken: string
  /** What the cookie is worth nothing without: cookies are sent to every port of a host, this is read on ours alone. */
  readonly cookieKey: string | null
  readonly expiresInSeconds: number
}

/** Whether a node serves these pages; else they came from some other host and are a client alone. */
export const isNode = document.documentElement.dataset.home === 'node'

export const useSession = create<Session>(() => ({
  state: isNode ? 'starting' : 'static',
  me: undefined,
  ways: undefined,
  problem: undefined,
  offer: undefined,
}))

let access: { readonly token: string; readonly renewAt: number } | undefined
let renewing: Promise<boolean> | undefined
/** Part of a token's life after which the next one is fetched. */
const renewalShare = 0.8
const askMs = 20_000

/** The token for the next request, renewed where it is about to end; undefined for who is not signed in. */
export async function token(): Promise<string | undefined> {
  if (access !== undefined && Date.now() >= access.renewAt) await renew()
  return access?.token
}

/** Another token after one was refused that should have been good: the node may have ended it, or its clock differs. */
export async function tokenAfter(refused: string): Promise<string | undefined> {
  if (access?.token === refused) await renew()
  return access?.token === refused ? undefined : access?.token
}

/** Signs in by what the address brings, else by the cookie of the last time. */
export async function start(): Promise<void> {
  if (!isNode) return
  addEventListener('hashchange', () => void arrive(takeFragment()))
  addEventListener('storage', ({ key, newValue }) => {
    const isOver = key === cookieKeyName && newValue === null
    if (isOver && useSession.getState().state === 'signed_in') void signOutHere(undefined)
  })
  await arrive(takeFragment() ?? {})
}

interface Fragment {
  readonly code?: string
  readonly offer?: Offer
}

async function arrive(fragment: Fragment | undefined): Promise<void> {
  if (fragment === undefined) return
  const { code, offer } = fragment
  useSession.setState({ offer })
  if (offer !== undefined) return await signOutHere(undefined)
  const isIn = (code !== undefined && (await redeem(code))) || (await renew())
  if (!isIn) await signOutHere(code !== undefined ? 'link_used' : undefined)
}

/** What is good once is nobody's business: it does not stay in the address. */
function takeFragment(): Fragment | undefined {
  const given = new URLSearchParams(location.hash.slice(1))
  const [code, setup, invitation] = ['code', 'setup', 'invitation'].map(name => given.get(name) ?? undefined)
  if (code === undefined && setup === undefined && invitation === undefined) return undefined
  history.replaceState(history.state, '', location.pathname + location.search)
  if (code !== undefined) return { code }
  if (setup !== undefined) return { offer: { kind: 'setup', token: setup } }
  return { offer: { kind: 'invitation', token: invitation ?? '' } }
}

/** Leaves an offer aside and goes on as whoever was signed in. */
export async function decline(): Promise<void> {
  useSession.setState({ offer: undefined })
  await tryAgain()
}

/** Once more by the cookie, after the node could not be reached. */
export async function tryAgain(): Promise<void> {
  if (!(await renew())) await signOutHere(undefined)
}

export async function redeem(code: string): Promise<boolean> {
  const pass = await post('link/redeem', { code, cookie: true })
  return pass !== undefined && (await enter(pass))
}

/** Takes what a way of signing in has answered. */
export async function enter({ accessToken, expiresInSeconds, cookieKey }: Pass): Promise<boolean> {
  if (cookieKey !== null) keep(cookieKey)
  access = { token: accessToken, renewAt: Date.now() + expiresInSeconds * 1_000 * renewalShare }
  const response = await ask('me', { headers: { authorization: `Bearer ${accessToken}` } })
  if (!response?.ok) return false
  useSession.setState({ state: 'signed_in', me: (await response.json()) as Me, problem: undefined, offer: undefined })
  return true
}

const cookieKeyName = 'parley.cookie-key'

/** A browser that keeps nothing keeps no cookie either: one is signed in as long as the page is there. */
function keep(cookieKey: string): void {
  try {
    localStorage.setItem(cookieKeyName, cookieKey)
  } catch {}
}

/** Other tabs hear of it, and are signed out with this one. */
function forgetCookieKey(): void {
  try {
    localStorage.removeItem(cookieKeyName)
  } catch {}
}

function renewal(): { readonly cookieKey?: string } {
  try {
    const cookieKey = localStorage.getItem(cookieKeyName)
    return cookieKey === null ? {} : { cookieKey }
  } catch {
    return {}
  }
}

/**
 * Tabs take turns: each comes with the token the one before has got. A node that is away, or has too much to do, ends no
 * session: the next request asks again.
 */
export function renew(): Promise<boolean> {
  renewing ??= inTurn('parley-renewal', async () => {
    const response = await posted('refresh', renewal())
    if (response?.ok) return await enter((await response.json()) as Pass)
    const isIn = useSession.getState().state === 'signed_in'
    if (isIn && (response === undefined || response.status === 429 || response.status >= 500)) return false
    access = undefined
    if (isIn) await signOutHere('ended')
    return false
  }).finally(() => (renewing = undefined))
  return renewing
}

const farewells = new Set<() => Promise<unknown>>()
const farewellMs = 2_000

/** What has to be brought home while somebody is still signed in. */
export function beforeSignOut(work: () => Promise<unknown>): void {
  farewells.add(work)
}

export async function signOut(): Promise<void> {
  const all = Promise.allSettled([...farewells].map(work => work()))
  await Promise.race([all, new Promise(resolve => setTimeout(resolve, farewellMs))])
  await post('logout', renewal())
  forgetCookieKey()
  await signOutHere(undefined)
}

async function signOutHere(problem: Session['problem']): Promise<void> {
  access = undefined
  const response = await ask('state', {})
  const ways = response?.ok ? ((await response.json()) as Session['ways']) : undefined
  useSession.setState({
    state: 'signed_out',
    me: undefined,
    ways,
    problem: ways === undefined ? 'unreachable' : problem,
  })
}

async function post(path: string, body: object): Promise<Pass | undefined> {
  const response = await posted(path, body)
  if (!response?.ok || response.status === 204) return undefined
  return (await response.json()) as Pass
}

function posted(path: string, body: object): Promise<Response | undefined> {
  return ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // The cookie of the answer is kept although the page is left meanwhile.
    keepalive: true,
  })
}

/** Undefined where the node cannot be reached. */
async function ask(path: string, init: RequestInit): Promise<Response | undefined> {
  try {
    return await fetch(`/api/auth/${path}`, { ...init, signal: AbortSignal.timeout(askMs) })
  } catch {
    return undefined
  }
}

const ranks = ['user', 'viewer', 'operator', 'admin'] as const
export type Role = (typeof ranks)[number]

/** Whether who is signed in may do what this role may. */
export function useMay(role: Role): boolean {
  return useSession(({ me }) => me !== undefined && ranks.indexOf(me.role) >= ranks.indexOf(role))
}
