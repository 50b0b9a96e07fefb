import type { Principal } from '../core/index.ts'
import { shownModels } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import type { Memory } from './memory.ts'

/** The models a caller may ask for, by the names it knows them under. */
export function visibleModels({ limits, presetOf }: Pick<Memory, 'limits' | 'presetOf'>) {
  return async (principal: Principal, models: readonly Model[]): Promise<readonly Model[]> => {
    const preset = await presetOf(principal)
    const shown = preset === undefined ? models : shownModels(models, preset)
    const isAllowed = await Promise.all(shown.map(({ id }) => limits.allows(principal, id)))
    return shown.filter((_model, index) => isAllowed[index])
  }
}
