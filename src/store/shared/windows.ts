import type { Clock, Counters, Take, Taken, WindowState } from '../../core/index.ts'

/** A window is counted in this many slices, so that it takes the same room for ten calls as for a million. */
export const slicesPerWindow = 60

export function sliceMs(windowMs: number): number {
  return Math.max(1, Math.ceil(windowMs / slicesPerWindow))
}

/** What was counted, by slice; one that has left the window is dropped when it is next looked at. */
type Slices = Map<number, number>

const windowsMax = 100_000

/** Sliding windows of this process. The one unused for longest makes room for a new one. */
export function createWindows(clock: Clock): Counters {
  const windows = new Map<string, Slices>()
  const open = (key: string): Slices => {
    const slices = windows.get(key) ?? new Map<number, number>()
    windows.delete(key)
    windows.set(key, slices)
    if (windows.size > windowsMax) windows.delete(windows.keys().next().value as string)
    return slices
  }
  return {
    take: async takes => take(takes, open, clock.now()),
    settle: async ({ key, cost, windowMs }, at, real) => {
      const slices = windows.get(key)
      const slice = Math.floor(at / sliceMs(windowMs))
      const counted = slices?.get(slice)
      if (counted !== undefined) slices?.set(slice, Math.max(0, counted + real - cost))
    },
  }
}

function take(takes: readonly Take[], open: (key: string) => Slices, at: number): Taken {
  const asked = takes.map(wanted => ({ wanted, slices: current(open(wanted.key), wanted.windowMs, at) }))
  const retryMs = Math.max(0, ...asked.map(({ wanted, slices }) => untilRoom(wanted, slices, at)))
  if (retryMs === 0) for (const { wanted, slices } of asked) add(wanted, slices, at)
  return { ok: retryMs === 0, at, retryMs, windows: asked.map(({ wanted, slices }) => stateOf(wanted, slices, at)) }
}

function current(slices: Slices, windowMs: number, at: number): Slices {
  const oldest = Math.floor(at / sliceMs(windowMs)) - slicesPerWindow
  for (const slice of slices.keys()) if (slice < oldest) slices.delete(slice)
  return slices
}

function add({ cost, windowMs }: Take, slices: Slices, at: number): void {
  const slice = Math.floor(at / sliceMs(windowMs))
  slices.set(slice, (slices.get(slice) ?? 0) + cost)
}

/** 0 when it fits now. What is larger than the limit waits for an empty window, in vain. */
function untilRoom({ cost, limit, windowMs }: Take, slices: Slices, at: number): number {
  let over = used(slices) + cost - limit
  if (over <= 0) return 0
  const byAge = [...slices].toSorted(([a], [b]) => a - b)
  for (const [slice, count] of byAge) {
    over -= count
    if (over <= 0) return leavesAt(slice, windowMs) - at
  }
  return windowMs
}

function stateOf({ limit, windowMs }: Take, slices: Slices, at: number): WindowState {
  const newest = Math.max(...[...slices].filter(([, count]) => count > 0).map(([slice]) => slice))
  return {
    limit,
    remaining: Math.max(0, limit - used(slices)),
    resetMs: newest === Number.NEGATIVE_INFINITY ? 0 : leavesAt(newest, windowMs) - at,
  }
}

/** A slice counts until the last moment in it is a whole window ago. */
function leavesAt(slice: number, windowMs: number): number {
  return (slice + slicesPerWindow + 1) * sliceMs(windowMs)
}

function used(slices: Slices): number {
  let sum = 0
  for (const count of slices.values()) sum += count
  return sum
}
