import { useEffect, useRef } from 'react'
import 'uplot/dist/uPlot.min.css'
import type UPlot from 'uplot'

export interface Series {
  label: string
  values: readonly (number | null)[]
  /** A CSS variable of the theme. */
  colour?: '--primary' | '--destructive' | '--warning' | '--success' | '--muted-foreground'
  shape?: 'line' | 'bars'
}

interface ChartProps {
  /** Said to those who cannot see it. */
  label: string
  /** Unix milliseconds. */
  times: readonly number[]
  series: readonly Series[]
  format?: (value: number) => string
  height?: number
}

/** Values over time. Loaded with the first one that is shown. */
export function Chart({ label, times, series, format = String, height = 200 }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = box.current
    if (element === null) return
    let plot: UPlot | undefined
    let isGone = false
    const draw = async () => {
      const { default: Plot } = await import('uplot')
      if (isGone) return
      plot?.destroy()
      const style = getComputedStyle(document.documentElement)
      const colour = (name: string) => style.getPropertyValue(name).trim()
      const axis = {
        stroke: colour('--muted-foreground'),
        grid: { stroke: colour('--border'), width: 1 },
        ticks: { show: false },
      }
      plot = new Plot(
        {
          width: Math.max(element.clientWidth, 100),
          height,
          legend: { show: series.length > 1 },
          cursor: { drag: { x: false, y: false } },
          axes: [
            { ...axis, values: (_, ticks) => ticks.map(tickName(ticks)) },
            { ...axis, size: 56, values: (_, ticks) => ticks.map(tick => format(tick)) },
          ],
          scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
          series: [
            {},
            ...series.map(({ label: name, colour: variable = '--primary', shape = 'line' }) => ({
              label: name,
              stroke: colour(variable),
              fill: shape === 'bars' ? colour(variable) : `color-mix(in oklab, ${colour(variable)} 12%, transparent)`,
              width: shape === 'bars' ? 0 : 1.5,
              points: { show: false },
              value: (_: UPlot, value: number | null) => (value === null ? '–' : format(value)),
              ...(shape === 'bars' && { paths: Plot.paths.bars!({ size: [0.7, 40] }) }),
            })),
          ],
        },
        [times.map(time => time / 1_000), ...series.map(({ values }) => [...values])],
        element,
      )
    }
    void draw()
    const watch = new ResizeObserver(() => plot?.setSize({ width: Math.max(element.clientWidth, 100), height }))
    watch.observe(element)
    const repaint = new MutationObserver(() => void draw())
    repaint.observe(document.documentElement, { attributeFilter: ['class'] })
    return () => {
      isGone = true
      watch.disconnect()
      repaint.disconnect()
      plot?.destroy()
    }
  }, [times, series, format, height])
  return (
    <div
      ref={box}
      role="img"
      aria-label={label}
      className="w-full overflow-hidden text-xs"
      style={{ minHeight: height }}
    />
  )
}

const daySeconds = 86_400

/** Days where the ticks are days, the time of day else, as the page's language writes them. */
function tickName(ticks: readonly number[]): (seconds: number) => string {
  const isDays = (ticks[1] ?? 0) - (ticks[0] ?? 0) >= daySeconds
  const format = new Intl.DateTimeFormat(
    document.documentElement.lang,
    isDays ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit' },
  )
  return seconds => format.format(seconds * 1_000)
}
