import { Cable, HardDrive, Info, Keyboard, KeyRound, Palette, Settings, ShieldCheck } from 'lucide-react'
import type { AppPage } from '../app/pages.ts'

export const settingsPages: readonly AppPage[] = [
  { path: '/settings', name: 'general', icon: Settings, load: () => import('./general/screen.tsx') },
  { path: '/settings/people', name: 'people', icon: KeyRound, home: 'node', load: () => import('./people/screen.tsx') },
  {
    path: '/settings/connections',
    name: 'connections',
    icon: Cable,
    home: 'static',
    load: () => import('../storage/connections/screen.tsx'),
  },
  { path: '/settings/storage', name: 'storage', icon: HardDrive, load: () => import('../storage/settings/screen.tsx') },
  { path: '/settings/privacy', name: 'privacy', icon: ShieldCheck, load: () => import('./privacy/screen.tsx') },
  { path: '/settings/appearance', name: 'appearance', icon: Palette, load: () => import('./appearance/screen.tsx') },
  { path: '/settings/shortcuts', name: 'shortcuts', icon: Keyboard, load: () => import('./shortcuts/screen.tsx') },
  { path: '/settings/about', name: 'about', icon: Info, load: () => import('./about/screen.tsx') },
]
