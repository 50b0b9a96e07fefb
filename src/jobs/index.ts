/** Long work with a status: model pulls. */
export { listModels, removeModel, type StoredModel } from './models.ts'
export type { PullProgress } from './progress.ts'
export { type PullLimits, type PullOptions, pullModel } from './pull.ts'
export type { PulledModel } from './settle.ts'
export { parseSource, type Source } from './source.ts'
