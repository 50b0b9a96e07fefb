import { useEffect, useRef } from 'react'
import 'uplot/dist/uPlot.min.css'
import { useTranslation } from 'react-i18next'
import type UPlot from 'uplot'
import { region, shortDateTime } from './format.ts'

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
  /** Counts: lines of the scale stand at whole numbers. */
  isWhole?: boolean
  /** Each series stands on those after it. */
  isStacked?: boolean
}

/** Values over time. Loaded with the first one that is shown. */
export function Chart({ label, times, series, format = String, height = 200, isWhole, isStacked }: ChartProps) {
  const { t } = useTranslation()
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
          cursor: { drag: { x: false, y: false }, points: { show: false } },
          padding: [8, 28, 0, 0],
          axes: [
            { ...axis, size: 28, space: 56, values: (_, ticks) => ticks.map(tickName(ticks)) },
            {
              ...axis,
              size: 56,
              space: 28,
              ...(isWhole && { incrs: wholeSteps }),
              values: (_, ticks) => ticks.map(tick => format(tick)),
            },
          ],
          scales: {
            x: { range: (_, min, max) => roomFor(series, times, min, max) },
            y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
          },
          series: [
            { label: t('common.time'), value: (_, time) => (time === null ? '–' : shortDateTime(time * 1_000)) },
            ...series.map(({ label: name, values, colour: variable = '--primary', shape = 'line' }) => ({
              label: name,
              stroke: colour(variable),
              fill: shape === 'bars' ? colour(variable) : `color-mix(in oklab, ${colour(variable)} 12%, transparent)`,
              width: shape === 'bars' ? 0 : 1.5,
              points: { show: false },
              value: (_: UPlot, __: number | null, ___: number, at: number | null) => shown(values, at, format),
              ...(shape === 'bars' && { paths: Plot.paths.bars!({ size: [0.7, 40] }) }),
            })),
          ],
        },
        [times.map(time => time / 1_000), ...(isStacked ? stacked(series) : series.map(({ values }) => [...values]))],
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
  }, [times, series, format, height, isWhole, isStacked, t])
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

const wholeSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map(step => step * 10 ** power)).flat()

function shown(values: Series['values'], at: number | null, format: (value: number) => string): string {
  const value = at === null ? null : (values[at] ?? null)
  return value === null ? '–' : format(value)
}

function stacked(series: readonly Series[]): number[][] {
  const heights = series.map(({ values }) => values.map(value => value ?? 0))
  return heights.map((values, index) =>
    values.map((value, at) => heights.slice(index + 1).reduce((sum, below) => sum + (below[at] ?? 0), value)),
  )
}

/** Half a bar before the first time and after the last one, so that neither is cut. */
function roomFor(series: readonly Series[], times: readonly number[], min: number, max: number): [number, number] {
  const stepMs = (times.at(-1)! - times[0]!) / Math.max(1, times.length - 1)
  const half = series.some(({ shape }) => shape === 'bars') ? stepMs / 2_000 || 1 : 0
  return [min - half, max + half]
}

const daySeconds = 86_400

/** Days where the ticks are days, the time of day else, as the page's language writes them. */
function tickName(ticks: readonly number[]): (seconds: number) => string {
  const isDays = (ticks[1] ?? 0) - (ticks[0] ?? 0) >= daySeconds
  const format = new Intl.DateTimeFormat(
    region(),
    isDays ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  )
  return seconds => format.format(seconds * 1_000)
}
