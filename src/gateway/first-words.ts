/** How long the newest first words of one target took. */
export interface FirstWords {
  note: (ms: number) => void
  /** The time by which half of them have come; undefined until one was seen. */
  p50: () => number | undefined
  /** The time by which 95 of 100 have come; undefined until enough were seen. */
  p95: () => number | undefined
}

const samplesMax = 128
/** Fewer say nothing of the slowest of twenty. */
export const samplesMin = 20

export function createFirstWords(): FirstWords {
  const samples = new Float32Array(samplesMax)
  let noted = 0
  let sorted: Float32Array | undefined
  const at = (share: number) => {
    sorted ??= samples.slice(0, Math.min(noted, samplesMax)).sort()
    return sorted[Math.ceil(sorted.length * share) - 1]!
  }
  return {
    note: ms => {
      samples[noted++ % samplesMax] = ms
      sorted = undefined
    },
    p50: () => (noted === 0 ? undefined : at(0.5)),
    p95: () => (noted < samplesMin ? undefined : at(0.95)),
  }
}
