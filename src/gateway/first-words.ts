/** How long the newest first words of one target took. */
export interface FirstWords {
  note: (ms: number) => void
  /** The time by which 95 of 100 have come; undefined until enough were seen. */
  p95: () => number | undefined
}

const samplesMax = 128
/** Fewer say nothing of the slowest of twenty. */
export const samplesMin = 20

export function createFirstWords(): FirstWords {
  const samples = new Float64Array(samplesMax)
  let noted = 0
  let known: number | undefined
  return {
    note: ms => {
      samples[noted++ % samplesMax] = ms
      known = undefined
    },
    p95: () => {
      if (noted < samplesMin || known !== undefined) return known
      const sorted = samples.slice(0, Math.min(noted, samplesMax)).sort()
      known = sorted[Math.ceil(sorted.length * 0.95) - 1]!
      return known
    },
  }
}
