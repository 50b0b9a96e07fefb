import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

/** So near to the end counts as the end. */
const nearPx = 48

/** Stays at the end while something is added, until one scrolls away from it. */
export function useStickyEnd(key: string) {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const isSticky = useRef(true)
  const [isAtEnd, setIsAtEnd] = useState(true)
  const toEnd = useCallback(() => {
    const element = scroller.current
    if (element === null) return
    isSticky.current = true
    setIsAtEnd(true)
    element.scrollTop = element.scrollHeight
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever another chat is shown
  useLayoutEffect(toEnd, [key, toEnd])
  useEffect(() => {
    const [outer, inner] = [scroller.current, content.current]
    if (outer === null || inner === null) return
    let before = outer.scrollTop
    const grown = new ResizeObserver(() => {
      if (isSticky.current) outer.scrollTop = outer.scrollHeight
    })
    grown.observe(inner)
    grown.observe(outer)
    const onScroll = () => {
      const isNear = outer.scrollHeight - outer.scrollTop - outer.clientHeight < nearPx
      // Upwards somebody has scrolled; downwards it may have been the text that grew.
      if (isNear) isSticky.current = true
      else if (outer.scrollTop < before - 1) isSticky.current = false
      before = outer.scrollTop
      setIsAtEnd(isNear || isSticky.current)
    }
    const onWheel = ({ deltaY }: WheelEvent) => {
      if (deltaY < 0) isSticky.current = false
    }
    outer.addEventListener('scroll', onScroll, { passive: true })
    outer.addEventListener('wheel', onWheel, { passive: true })
    return () => {
      grown.disconnect()
      outer.removeEventListener('scroll', onScroll)
      outer.removeEventListener('wheel', onWheel)
    }
  }, [])
  return { scroller, content, isAtEnd, toEnd }
}

/** Drawn at once; more come when one scrolls up to them. */
const portion = 20

/** Of a long list only its end is drawn, and more of it as one goes back. */
export function usePortion(key: string, count: number, scroller: React.RefObject<HTMLDivElement | null>) {
  const end = Math.max(0, count - portion)
  const [start, setStart] = useState({ key, from: end })
  const mark = useRef<HTMLDivElement>(null)
  const height = useRef<number>(undefined)
  if (start.key !== key) setStart({ key, from: end })
  const from = Math.min(start.from, end)
  const more = useCallback(() => {
    height.current = scroller.current?.scrollHeight
    setStart(before => ({ ...before, from: Math.max(0, before.from - portion) }))
  }, [scroller])
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever more is drawn
  useLayoutEffect(() => {
    const element = scroller.current
    if (height.current === undefined || element === null) return
    // What one reads stays where it is.
    element.scrollTop += element.scrollHeight - height.current
    height.current = undefined
  }, [start.from])
  useEffect(() => {
    const element = mark.current
    if (element === null || from === 0) return
    const watch = new IntersectionObserver(
      entries => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) more()
      },
      { root: scroller.current, rootMargin: '600px 0px 0px 0px' },
    )
    watch.observe(element)
    return () => watch.disconnect()
  }, [from, more, scroller])
  return { from, mark, more }
}
