/** One line of the table: what was measured, and how it stands to its target if it has one. */
export interface Line {
  readonly what: string
  readonly result: string
  readonly value: number | null
  readonly target: string | null
  readonly isMet: boolean | null
}

export function lineOf(
  what: string,
  result: string,
  { value = null, target = null, isMet = null }: Partial<Line> = {},
): Line {
  return { what, result, value, target, isMet }
}

export function table(lines: readonly Line[]): string {
  const rows = lines.map(line => [line.what, line.result, line.target ?? '', verdict(line)])
  const widths = [0, 1, 2].map(column => Math.max(...rows.map(row => row[column]!.length)))
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function verdict({ isMet }: Line): string {
  if (isMet === null) return ''
  return isMet ? 'met' : 'missed'
}
