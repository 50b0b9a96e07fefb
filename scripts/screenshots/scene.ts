import type { Page } from 'playwright-core'
import type { Market } from './market.ts'

/** How a page is seen. */
export interface Look {
  readonly scheme: 'light' | 'dark'
  readonly screen: 'desktop' | 'phone'
}

export const screens = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const

export const everyLook: readonly Look[] = [
  { scheme: 'light', screen: 'desktop' },
  { scheme: 'dark', screen: 'desktop' },
  { scheme: 'light', screen: 'phone' },
  { scheme: 'dark', screen: 'phone' },
]

/** A picture: whose pages, where, and what is done before it is taken. */
export interface Scene {
  /** Of the file, after the area's. */
  readonly name: string
  readonly path: string
  /** Whose: of who buys (the usual), of who sells, of somebody not signed in, or of the client without a node. */
  readonly as?: 'user' | 'provider' | 'nobody' | 'static'
  /** The looks that are kept in the repository, like `light-desktop`; all four when missing, none for looking alone. */
  readonly keep?: readonly `${Look['scheme']}-${Look['screen']}`[]
  /** What the browser remembers, by key of its local storage. */
  readonly remembers?: Readonly<Record<string, unknown>>
  readonly prepare?: (page: Page, at: { readonly market: Market; readonly look: Look }) => Promise<void>
}

/** Most scenes are kept in one look. */
export const once = ['light-desktop'] as const
