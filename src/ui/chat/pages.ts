import { MessageSquarePlus } from 'lucide-react'
import type { AppPage } from '../app/pages.ts'

const load = () => import('./screen.tsx')

export const chatPages: readonly AppPage[] = [
  { path: '/', name: 'chat', icon: MessageSquarePlus, load },
  { path: '/chat/$id', name: 'chat', icon: MessageSquarePlus, isHidden: true, load },
]
