/** One line of two texts side by side; undefined where a side has none. */
export interface DiffLine {
  readonly kind: 'same' | 'changed'
  readonly left: string | undefined
  readonly right: string | undefined
}

/** Lines of each side that may be compared; beyond it nobody would read them. */
const cellsMax = 4_000_000

/** The two texts line by line; undefined where they differ too much to be compared. */
export function difference(one: string, other: string): readonly DiffLine[] | undefined {
  const [left, right] = [one.split('\n'), other.split('\n')]
  let start = 0
  while (start < left.length && start < right.length && left[start] === right[start]) start++
  let end = 0
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end++
  const [a, b] = [left.slice(start, left.length - end), right.slice(start, right.length - end)]
  if (a.length * b.length > cellsMax) return undefined
  const same = (lines: readonly string[]) => lines.map(line => ({ kind: 'same' as const, left: line, right: line }))
  return [...same(left.slice(0, start)), ...paired(steps(a, b)), ...same(left.slice(left.length - end))]
}

type Step = readonly [kind: 'same' | 'left' | 'right', line: string]

/** By the longest common subsequence. */
function steps(a: readonly string[], b: readonly string[]): Step[] {
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!)
    }
  }
  const found: Step[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push(['same', a[i]!])
      i++
      j++
    } else if (j >= b.length || (i < a.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)) {
      found.push(['left', a[i++]!])
    } else {
      found.push(['right', b[j++]!])
    }
  }
  return found
}

/** What goes and what comes in its place stand beside each other. */
function paired(found: readonly Step[]): DiffLine[] {
  const lines: DiffLine[] = []
  let gone: string[] = []
  let come: string[] = []
  const flush = () => {
    for (let at = 0; at < Math.max(gone.length, come.length); at++) {
      lines.push({ kind: 'changed', left: gone[at], right: come[at] })
    }
    gone = []
    come = []
  }
  for (const [kind, line] of found) {
    if (kind === 'left') gone.push(line)
    else if (kind === 'right') come.push(line)
    else {
      flush()
      lines.push({ kind: 'same', left: line, right: line })
    }
  }
  flush()
  return lines
}

/** Long parts that are alike become their number. */
export function folded(lines: readonly DiffLine[], around = 3): readonly (DiffLine | number)[] {
  const near = new Set<number>()
  for (const [at, { kind }] of lines.entries()) {
    if (kind === 'changed') for (let i = at - around; i <= at + around; i++) near.add(i)
  }
  const shown: (DiffLine | number)[] = []
  for (const [at, line] of lines.entries()) {
    if (near.has(at)) shown.push(line)
    else if (typeof shown.at(-1) === 'number') shown[shown.length - 1] = (shown.at(-1) as number) + 1
    else shown.push(1)
  }
  return shown
}

/** Keys in order, so that equal documents are equal texts. */
export function documentText(value: unknown): string {
  return JSON.stringify(sorted(value), null, 2)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]))
}
