import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type ReactNode, useRef } from 'react'
import { cn } from './class.ts'

export interface Column<Row> {
  key: string
  head: ReactNode
  cell: (row: Row) => ReactNode
  /** Of the grid, like `8rem` or `minmax(10rem, 2fr)`; shares what is left when missing. */
  width?: string
  /** The width on phones; that above when it has a share of its own, else an equal share. */
  phone?: string
  /** Numbers stand at the right. */
  isNumber?: boolean
  /** Left out on phones. */
  isSecondary?: boolean
  sort?: 'asc' | 'desc' | null
  onSort?: () => void
}

interface TableProps<Row> {
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  /** Opens a row. */
  onOpen?: (row: Row) => void
  isSelected?: (row: Row) => boolean
  /** Of the scrolled part, in CSS; as high as its rows when missing, without virtual rows. */
  height?: string
  /** Asked for when the end comes near. */
  onEnd?: () => void
  className?: string
}

const rowPx = 40
const alwaysDrawn = 100

/** A table of any length: beyond a hundred rows only those in view are drawn. */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, keyOf, height, className, onEnd } = props
  const scroller = useRef<HTMLDivElement>(null)
  const isVirtual = height !== undefined && rows.length > alwaysDrawn
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 12,
    enabled: isVirtual,
  })
  const shown = isVirtual ? virtual.getVirtualItems().map(({ index }) => index) : rows.map((_, index) => index)
  const grid = columns.map(({ width }) => width ?? 'minmax(6rem, 1fr)').join(' ')
  const phone = columns
    .filter(({ isSecondary }) => !isSecondary)
    .map(({ width, phone: own }) => own ?? (width?.includes('fr') ? width : 'minmax(0, 1fr)'))
    .join(' ')
  const toEnd = () => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = scroller.current ?? {}
    if (scrollHeight - scrollTop - clientHeight < rowPx * 10) onEnd?.()
  }
  return (
    <div className={cn('overflow-hidden rounded-lg border bg-card', className)}>
      <div
        ref={scroller}
        onScroll={onEnd && toEnd}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
        tabIndex={0}
        className="overflow-auto"
        style={{ maxHeight: height }}
      >
        {/* biome-ignore lint/a11y/useSemanticElements: rows in view alone are drawn, which a table element cannot */}
        <div
          role="table"
          aria-label={label}
          aria-rowcount={rows.length + 1}
          className="w-full min-w-fit"
          style={{ '--grid': grid, '--phone': phone } as React.CSSProperties}
        >
          <TableHead columns={columns} />
          {/* biome-ignore lint/a11y/useSemanticElements: see above */}
          <div role="rowgroup" style={isVirtual ? { height: virtual.getTotalSize(), position: 'relative' } : undefined}>
            {shown.map(index => (
              <TableRow key={keyOf(rows[index]!)} {...props} row={rows[index]!} index={index} isVirtual={isVirtual} />
            ))}
          </div>
        </div>
      </div>
    </div>
  )
}

const line = 'grid grid-cols-(--phone) items-center gap-x-4 px-4 md:grid-cols-(--grid)'

function TableHead<Row>({ columns }: { columns: readonly Column<Row>[] }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: see the table
    // biome-ignore lint/a11y/useFocusableInteractive: rows are reached by what is in them
    <div
      role="row"
      className={cn(line, 'sticky top-0 z-10 h-9 border-b bg-card text-[0.8125rem] text-muted-foreground')}
    >
      {columns.map(({ key, head, isNumber, isSecondary, sort, onSort }) => (
        // biome-ignore lint/a11y/useSemanticElements: see the table
        // biome-ignore lint/a11y/useFocusableInteractive: what sorts is the button in it
        <div
          key={key}
          role="columnheader"
          {...(sort !== undefined && {
            'aria-sort': sort === 'asc' ? 'ascending' : sort === 'desc' ? 'descending' : 'none',
          })}
          className={cn('truncate font-medium', isNumber && 'text-right', isSecondary && 'hidden md:block')}
        >
          {onSort ? (
            <button type="button" onClick={onSort} className="inline-flex items-center gap-1 hover:text-foreground">
              {head}
              {sort === 'asc' && <ArrowUp aria-hidden className="size-3" />}
              {sort === 'desc' && <ArrowDown aria-hidden className="size-3" />}
            </button>
          ) : (
            head
          )}
        </div>
      ))}
    </div>
  )
}

interface RowProps<Row> extends TableProps<Row> {
  row: Row
  index: number
  isVirtual: boolean
}

function TableRow<Row>({ columns, row, index, isVirtual, onOpen, isSelected }: RowProps<Row>) {
  const open = onOpen && (() => onOpen(row))
  return (
    // biome-ignore lint/a11y/useSemanticElements: see the table
    <div
      role="row"
      aria-rowindex={index + 2}
      {...(isSelected && { 'aria-selected': isSelected(row) })}
      tabIndex={open ? 0 : -1}
      onClick={open}
      onKeyDown={event => event.key === 'Enter' && event.target === event.currentTarget && open?.()}
      className={cn(
        line,
        'min-h-10 border-b py-1.5 last:border-b-0 focus-visible:outline-offset-[-2px]',
        open && 'cursor-pointer hover:bg-muted',
        isSelected?.(row) && 'bg-accent',
        isVirtual && 'absolute inset-x-0',
      )}
      style={isVirtual ? { top: index * rowPx, height: rowPx } : undefined}
    >
      {columns.map(({ key, cell, isNumber, isSecondary }) => (
        // biome-ignore lint/a11y/useSemanticElements: see the table
        <div
          key={key}
          role="cell"
          className={cn('min-w-0 truncate', isNumber && 'tabular text-right', isSecondary && 'hidden md:block')}
        >
          {cell(row)}
        </div>
      ))}
    </div>
  )
}
