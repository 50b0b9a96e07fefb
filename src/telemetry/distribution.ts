/** How many measurements fell below each of some bounds. Bounds rise; what is above the last is counted alone. */
export interface Distribution {
  readonly bounds: readonly number[]
  /** One count per bound and one for what is above all of them; not cumulative. */
  readonly counts: Float64Array
  sum: number
}

export function createDistribution(bounds: readonly number[]): Distribution {
  return { bounds, counts: new Float64Array(bounds.length + 1), sum: 0 }
}

export function measure(distribution: Distribution, value: number): void {
  const { bounds, counts } = distribution
  let at = 0
  while (at < bounds.length && value > bounds[at]!) at++
  counts[at]!++
  distribution.sum += value
}
