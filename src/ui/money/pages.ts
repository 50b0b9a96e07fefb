import { Coins, HandCoins, ReceiptText, Wallet } from 'lucide-react'
import type { AppPage } from '../app/pages.ts'

export const moneyPages: readonly AppPage[] = [
  {
    path: '/money',
    name: 'wallet',
    icon: Wallet,
    role: 'viewer',
    home: 'node',
    load: () => import('./wallet/screen.tsx'),
  },
  {
    path: '/money/sessions',
    name: 'sessions',
    icon: ReceiptText,
    role: 'viewer',
    home: 'node',
    load: () => import('./sessions/screen.tsx'),
  },
  {
    path: '/money/selling',
    name: 'selling',
    icon: HandCoins,
    role: 'viewer',
    home: 'node',
    load: () => import('./selling/screen.tsx'),
  },
  {
    path: '/money/earnings',
    name: 'earnings',
    icon: Coins,
    role: 'viewer',
    home: 'node',
    load: () => import('./earnings/screen.tsx'),
  },
]
