/** One line of a page, by the grammar of Prometheus' text format. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y

/** Reads a page as Prometheus does; throws on what it would refuse. */
export function parsePage(text: string): Series[] {
  const types = new Map<string, string>()
  const seen = new Set<string>()
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  return text.split('\n').flatMap(one => {
    const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(one) ?? []
    if (name !== undefined) {
      if (types.has(name)) throw new Error(`${name} has two types`)
      types.set(name, type!)
    }
    if (one === '' || one.startsWith('#')) return []
    const series = parseLine(one)
    const base = series.name.replace(/_(bucket|sum|count)$/, '')
    if (!types.has(series.name) && !types.has(base)) throw new Error(`${series.name} has no type`)
    const key = `${series.name}${JSON.stringify(series.labels)}`
    if (seen.has(key)) throw new Error(`${key} is there twice`)
    seen.add(key)
    return [series]
  })
}

function parseLine(one: string): Series {
  const match = line.exec(one)
  if (match === null) throw new Error(`no line of a page: ${one}`)
  const [, name = '', inner = '', value = ''] = match
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < inner.length) {
    const found = label.exec(inner)
    if (found === null) throw new Error(`labels that cannot be read: ${inner}`)
    labels[found[1]!] = found[2]!
  }
  const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value)
  if (Number.isNaN(number) && value !== 'Nan') throw new Error(`no number: ${one}`)
  return { name, labels, value: number }
}

/** The sum of all series of a name that have these labels. */
export function sumOf(series: readonly Series[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  return series
    .filter(one => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0)
}
