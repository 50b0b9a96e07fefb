import type { Appearance } from '../../parts/appearance.ts'
import { cn } from '../../parts/class.ts'

/** Background, rail, text, accent of each theme; drawn, because the page can wear only one. */
const looks = {
  light: ['#fbfbfa', '#f3f3f1', '#1b1d1f', '#0f766e', '#dededa'],
  dark: ['#191b1d', '#141617', '#e8e9ea', '#2dd4bf', '#33383d'],
  contrast: ['#000000', '#000000', '#ffffff', '#7ff5e3', '#ffffff'],
} as const

/** A page in small. */
export function Preview({ theme }: Pick<Appearance, 'theme'>) {
  if (theme !== 'system') return <Half look={looks[theme]} />
  return (
    <span aria-hidden className="flex">
      <Half look={looks.light} className="w-1/2" />
      <Half look={looks.dark} className="w-1/2" />
    </span>
  )
}

function Half({ look, className }: { look: (typeof looks)['light' | 'dark' | 'contrast']; className?: string }) {
  const [background, rail, text, accent, line] = look
  return (
    <span
      aria-hidden
      className={cn('flex h-20 w-full overflow-hidden border-b', className)}
      style={{ background, borderColor: line }}
    >
      <span className="h-full w-1/4 border-r" style={{ background: rail, borderColor: line }} />
      <span className="flex flex-1 flex-col gap-1.5 p-2.5">
        <span className="h-1.5 w-3/4 rounded-full" style={{ background: text }} />
        <span className="h-1.5 w-1/2 rounded-full opacity-60" style={{ background: text }} />
        <span className="mt-auto h-3 w-8 rounded" style={{ background: accent }} />
      </span>
    </span>
  )
}
