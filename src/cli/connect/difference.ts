/** The lines that go (`- `) and those that come (`+ `), in order; what stays is left out. */
export function difference(before: string, after: string): string[] {
  const [old, made] = [linesOf(before), linesOf(after)]
  let start = 0
  while (start < old.length && start < made.length && old[start] === made[start]) start++
  let end = 0
  const most = Math.min(old.length, made.length) - start
  while (end < most && old.at(-1 - end) === made.at(-1 - end)) end++
  return between(old.slice(start, old.length - end), made.slice(start, made.length - end))
}

/** Beyond this many pairs of lines the whole middle counts as replaced. */
const pairsMax = 1_000_000

function between(old: readonly string[], made: readonly string[]): string[] {
  if (old.length * made.length > pairsMax) return [...old.map(gone), ...made.map(come)]
  const common = commonLengths(old, made)
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < made.length) {
    if (i < old.length && j < made.length && old[i] === made[j]) {
      i++
      j++
    } else if (j >= made.length || (i < old.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push(gone(old[i++]!))
    } else {
      lines.push(come(made[j++]!))
    }
  }
  return lines
}

/** How many lines the rests of both have in common, from every pair of places on. */
function commonLengths(old: readonly string[], made: readonly string[]): number[][] {
  const table = Array.from({ length: old.length + 1 }, () => new Array<number>(made.length + 1).fill(0))
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = made.length - 1; j >= 0; j--) {
      table[i]![j] = old[i] === made[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!)
    }
  }
  return table
}

const linesOf = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))
const gone = (line: string) => `- ${line}`
const come = (line: string) => `+ ${line}`
