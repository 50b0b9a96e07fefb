import { useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import { ChatPage } from './chat-page.tsx'
import { loadMarkdown } from './markdown/text.tsx'
import { NewChat } from './new-chat.tsx'

const preloadMs = 1_500

export function Screen() {
  const { id } = useParams({ strict: false }) as { id?: string }
  // What draws answers is there before the first one comes.
  useEffect(() => {
    const timer = setTimeout(() => void loadMarkdown().catch(() => undefined), preloadMs)
    return () => clearTimeout(timer)
  }, [])
  return id === undefined ? <NewChat /> : <ChatPage key={id} id={id} />
}
