import type { Scene } from './scene.ts'

const one = ['light-desktop'] as const

export const scenes: readonly Scene[] = [
  { name: 'general', path: '/settings' },
  { name: 'people', path: '/settings/people' },
  { name: 'budgets', path: '/settings/people?tab=budgets', keep: ['light-desktop', 'dark-phone'] },
  { name: 'users', path: '/settings/people?tab=users', keep: ['light-desktop', 'dark-phone'] },
  { name: 'sessions', path: '/settings/people?tab=sessions', keep: ['light-desktop', 'dark-phone'] },
  {
    name: 'new-key',
    path: '/settings/people',
    keep: one,
    prepare: async page => page.getByRole('button', { name: /^(New key|Neuer Schl)/ }).click(),
  },
  {
    name: 'new-connection',
    path: '/settings/connections',
    as: 'static',
    keep: one,
    prepare: async page => page.getByRole('button', { name: /^(Add connection|Verbindung hinz)/ }).click(),
  },
  {
    name: 'sign-in-code',
    path: '/',
    as: 'nobody',
    keep: ['dark-desktop'],
    prepare: async page => page.getByRole('button', { name: /^(I run this|Ich betreibe)/ }).click(),
  },
  { name: 'storage', path: '/settings/storage' },
  { name: 'privacy', path: '/settings/privacy' },
  { name: 'appearance', path: '/settings/appearance' },
  {
    name: 'contrast',
    path: '/settings/appearance',
    keep: one,
    remembers: { 'parley.appearance': { theme: 'contrast' } },
  },
  { name: 'shortcuts', path: '/settings/shortcuts' },
  { name: 'about', path: '/settings/about' },
  { name: 'sign-in', path: '/', as: 'nobody' },
  { name: 'connections', path: '/settings/connections', as: 'static' },
  { name: 'client', path: '/', as: 'static', keep: one },
]
