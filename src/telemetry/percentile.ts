/** Milliseconds in steps of a tenth: enough to tell a percentile, in the memory of a few hundred numbers. */
export class Durations {
  readonly #counts = new Uint32Array(steps)
  count = 0

  add(ms: number): void {
    const step = ms <= 1 ? 0 : Math.min(steps - 1, Math.ceil(Math.log(ms) / logGrowth))
    this.#counts[step]!++
    this.count++
  }

  /** The duration that so many of 100 do not exceed, over several of these; at most a tenth too long. */
  static percentile(all: readonly Durations[], percent: number): number {
    const total = all.reduce((sum, { count }) => sum + count, 0)
    if (total === 0) return 0
    const wanted = (total * percent) / 100
    let seen = 0
    for (let step = 0; step < steps; step++) {
      for (const one of all) seen += one.#counts[step]!
      if (seen >= wanted) return growth ** step
    }
    return growth ** (steps - 1)
  }
}

const growth = 1.1
const logGrowth = Math.log(growth)
/** Up to half an hour. */
const steps = 152
