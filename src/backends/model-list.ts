import type { Backend, Clock } from '../core/index.ts'
import { abortable } from '../core/index.ts'
import type { Model } from '../openai/index.ts'

const modelsKeptMs = 30_000
/** How old a list may be that stands in for one that failed: a server that restarts is soon back. */
const modelsMissedMs = 90_000

/** A server's list, asked once for all who wait and kept for a while. One that fails does not take the last away at once. */
export function createModelList(list: () => Promise<Model[]>, clock: Clock): Backend['models'] {
  let kept: { models: Model[]; at: number } | undefined
  let asking: Promise<Model[]> | undefined
  const ask = async (): Promise<Model[]> => {
    try {
      const models = await list()
      kept = { models, at: clock.monotonic() }
      return models
    } catch (cause) {
      if (kept !== undefined && clock.monotonic() - kept.at < modelsMissedMs) return kept.models
      throw cause
    } finally {
      asking = undefined
    }
  }
  return async signal => {
    if (kept !== undefined && clock.monotonic() - kept.at < modelsKeptMs) return kept.models
    asking ??= ask()
    return await abortable(asking, signal)
  }
}
