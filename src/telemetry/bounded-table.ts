/** Things by name, as many as `limit`. Whatever is named later shares one, or one for each of a few other names. */
export class BoundedTable<T> {
  readonly #limit: number
  readonly #known = new Map<string, T>()
  readonly #others = new Map<string, T>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The thing of this name, made by the first that asks for it; beyond the limit, that of `otherName`. */
  get(name: string, otherName: string, make: (isOther: boolean) => T): T {
    const found = this.#known.get(name)
    if (found !== undefined) return found
    if (this.#known.size < this.#limit) return kept(this.#known, name, make(false))
    return this.#others.get(otherName) ?? kept(this.#others, otherName, make(true))
  }

  all(): T[] {
    return [...this.#known.values(), ...this.#others.values()]
  }
}

function kept<T>(table: Map<string, T>, name: string, thing: T): T {
  table.set(name, thing)
  return thing
}

/** The value of a label for whatever has none of its own. */
export const otherLabel = 'other'
const labelLengthMax = 128

/** A name as the value of a label: short, on one line. */
export function labelOf(name: string): string {
  return name.slice(0, labelLengthMax).replaceAll(/\p{Cc}/gu, '?')
}
