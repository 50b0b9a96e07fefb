import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Network } from '../../client/api.ts'
import { duration } from '../../parts/format.ts'
import { Card } from '../../parts/page.tsx'
import type { Row } from './registry.tsx'
import type { Reaches } from './screen.tsx'

const height = 260
const firstWidth = 720
const shownMax = 24
/** From the middle, as a share of the half width and height: of the quickest, of the slowest, of who was not measured. */
const near = 0.42
const far = 0.86
const slowMs = 500

const colours: Readonly<Record<Row['state'], string>> = {
  up: 'var(--success)',
  failing: 'var(--destructive)',
  unknown: 'var(--muted-foreground)',
  leaving: 'var(--warning)',
  unwanted: 'var(--muted-foreground)',
  self: 'var(--primary)',
}

/** This node in the middle, providers around it: a solid line to those that answer, a dashed one to others. */
export function NetworkMap({ network, reaches }: { network: Network; reaches: Reaches }) {
  const { t } = useTranslation()
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const others = network.providers.filter(({ self }) => !self)
  const shown = others.slice(0, shownMax)
  return (
    <Card className="overflow-hidden p-2">
      <div ref={box}>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          role="img"
          aria-label={t('node.network.mapLabel', { count: others.length })}
          className="h-auto w-full min-w-0"
        >
          {shown.map((row, index) => (
            <Peer
              key={row.provider}
              row={row}
              width={width}
              angle={(index / shown.length) * 2 * Math.PI}
              ms={measured(reaches[row.provider])}
            />
          ))}
          <circle cx={width / 2} cy={height / 2} r={16} fill="var(--primary)" />
          <text
            x={width / 2}
            y={height / 2 + 4}
            textAnchor="middle"
            fontSize={11}
            fontWeight={600}
            fill="var(--primary-foreground)"
          >
            {t('node.network.you')}
          </text>
        </svg>
      </div>
      {others.length > shownMax && (
        <p className="px-2 pb-1 text-xs text-muted-foreground">
          {t('node.network.mapMore', { count: others.length - shownMax })}
        </p>
      )}
    </Card>
  )
}

/** As wide as there is room, so that letters keep their size. */
function useWidth(box: React.RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(firstWidth)
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const watch = new ResizeObserver(() => setWidth(Math.max(element.clientWidth, height)))
    watch.observe(element)
    return () => watch.disconnect()
  }, [box])
  return width
}

function measured(reach: Reaches[string] | undefined): number | undefined {
  return reach === undefined || reach === 'busy' || !reach.ok ? undefined : reach.ms
}

function Peer({ row, width, angle, ms }: { row: Row; width: number; angle: number; ms: number | undefined }) {
  const share = ms === undefined ? far : near + (far - near) * Math.min(1, ms / slowMs)
  const x = width / 2 + Math.cos(angle) * share * (width / 2 - 60)
  const y = height / 2 + Math.sin(angle) * share * (height / 2 - 24)
  const isUp = row.state === 'up'
  const name = `${row.provider.slice(0, 6)}…${row.provider.slice(-4)}`
  return (
    <g>
      <line
        x1={width / 2}
        y1={height / 2}
        x2={x}
        y2={y}
        stroke={colours[row.state]}
        strokeWidth={isUp ? 1.5 : 1}
        strokeDasharray={isUp ? undefined : '4 4'}
        opacity={0.6}
      />
      <circle cx={x} cy={y} r={7} fill={colours[row.state]} />
      <text x={x} y={y + 20} textAnchor="middle" fontSize={10} fill="var(--foreground)">
        {name}
      </text>
      {ms !== undefined && (
        <text x={x} y={y - 12} textAnchor="middle" fontSize={10} fill="var(--muted-foreground)">
          {duration(Math.round(ms))}
        </text>
      )}
    </g>
  )
}
