import type { Backend, Principal } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { type Model, shownModel } from '../openai/index.ts'
import { type Exchange, sendJson } from './exchange.ts'
import type { Routes } from './routes.ts'

export interface ModelRoutesOptions {
  readonly backend: Backend
  /** Who answers, for apps that ask about one of them. */
  readonly providers?: Providers
  /** The models as a caller may know them; all as they are when missing. */
  readonly visibleModels?: (principal: Principal, models: readonly Model[]) => Promise<readonly Model[]>
}

export interface Providers {
  readonly names: () => readonly string[]
  /** Names of those that can answer with a model right now. */
  readonly serving: (model: string) => readonly string[]
}

/** `GET /v1/models` and one of them: what this caller may ask for. */
export function modelRoutes(options: ModelRoutesOptions): Routes {
  return {
    'GET /v1/models': exchange => listModels(exchange, options),
    'GET /v1/models/*': exchange => retrieveModel(exchange, options),
  }
}

async function listModels(exchange: Exchange, options: ModelRoutesOptions): Promise<void> {
  const { response, url } = exchange
  const models = await modelsFor(exchange, options)
  const wanted = url.searchParams.get('provider')
  const data = wanted === null || options.providers === undefined ? models : modelsOf(models, wanted, options.providers)
  sendJson(response, 200, { object: 'list', data: data.map(shownModel) })
}

/** Those that this caller may ask for. */
export async function modelsFor(
  { principal, signal }: Exchange,
  { backend, visibleModels }: Pick<ModelRoutesOptions, 'backend' | 'visibleModels'>,
): Promise<readonly Model[]> {
  const models = await backend.models(signal)
  return visibleModels === undefined ? models : await visibleModels(principal, models)
}

/** Those that one provider can answer with. A name that is nobody's is a mistake of the caller. */
function modelsOf(models: readonly Model[], wanted: string, { names, serving }: Providers): Model[] {
  const isWanted = (name: string) => name.toLowerCase() === wanted.toLowerCase()
  if (!names().some(isWanted)) {
    const message = `there is no provider ${JSON.stringify(wanted)}; see GET /v1/models without it`
    throw new ParleyError('invalid_request', message, { param: 'provider' })
  }
  return models.flatMap(model => {
    const count = serving(model.id).filter(isWanted).length
    return count === 0 ? [] : [{ ...model, providers: count }]
  })
}

async function retrieveModel(exchange: Exchange, options: ModelRoutesOptions): Promise<void> {
  const { response, url } = exchange
  const id = decoded(url.pathname.slice('/v1/models/'.length))
  const model = (await modelsFor(exchange, options)).find(known => known.id === id)
  if (model === undefined)
    throw new ParleyError('model_not_found', `there is no model ${JSON.stringify(id)}; see GET /v1/models`)
  sendJson(response, 200, shownModel(model))
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new ParleyError('invalid_request', 'the path has a % that begins no character; encode it as %25', { cause })
  }
}
