import type { LucideIcon } from 'lucide-react'
import type { ComponentType } from 'react'
import { chatPages } from '../chat/pages.ts'
import type { Role } from '../client/session.ts'
import { moneyPages } from '../money/pages.ts'
import { nodePages } from '../node/pages.ts'
import { settingsPages } from '../settings/pages.ts'
import type { en } from '../words/en/index.ts'

/** One page: where it is, what it is called, who may see it. Its code comes when it is opened. */
export interface AppPage {
  /** Like `/node/requests/$id`. */
  readonly path: string
  readonly name: keyof typeof en.app.pages
  readonly icon: LucideIcon
  /** The least role; everybody when missing. */
  readonly role?: Role
  /** Where it makes sense: with a node behind the pages, or in the client alone; both when missing. */
  readonly home?: 'node' | 'static'
  /** Not in the navigation: reached from another page. */
  readonly isHidden?: boolean
  readonly load: () => Promise<{ readonly Screen: ComponentType }>
}

export type AreaName = keyof typeof en.app.areas

export const areas: readonly { readonly name: AreaName; readonly pages: readonly AppPage[] }[] = [
  { name: 'chat', pages: chatPages },
  { name: 'node', pages: nodePages },
  { name: 'money', pages: moneyPages },
  { name: 'settings', pages: settingsPages },
]
