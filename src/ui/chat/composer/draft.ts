import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { draftOf, keepDraft } from '../preferences.ts'

const keepAfterMs = 300

/** What is being written, as high as it needs to be, kept until it is sent; of a temporary chat, without an id, nowhere. */
export function useText(draftId: string | undefined) {
  const box = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState(() => draftOf(draftId))
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the text changes
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    element.style.height = 'auto'
    element.style.height = `${element.scrollHeight}px`
  }, [text])
  const newest = useRef(text)
  newest.current = text
  const owner = useRef(draftId)
  owner.current = draftId
  useEffect(() => {
    const timer = setTimeout(() => keepDraft(draftId, text), keepAfterMs)
    return () => clearTimeout(timer)
  }, [draftId, text])
  useEffect(() => {
    const keep = () => keepDraft(draftId, newest.current)
    addEventListener('pagehide', keep)
    return () => {
      removeEventListener('pagehide', keep)
      // What was begun as another chat goes on as a temporary one.
      if (owner.current === undefined) keepDraft(draftId, '')
      else keep()
    }
  }, [draftId])
  const insert = useCallback((more: string) => {
    const { selectionStart: from = 0, selectionEnd: to = 0 } = box.current ?? {}
    setText(before => {
      const start = before.slice(0, from)
      const gap = start === '' || /\s$/.test(start) ? '' : ' '
      return start + gap + more + before.slice(to)
    })
    box.current?.focus()
  }, [])
  const clear = useCallback(() => {
    newest.current = ''
    setText('')
    keepDraft(draftId, '')
  }, [draftId])
  return { box, text, setText, insert, clear }
}
