import type { Context, Route } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, type Model, type Preset } from '../openai/index.ts'

/** The name a caller uses for a model, and the model it stands for. */
export interface Alias {
  readonly shown: string
  readonly real: string
}

export function aliasOf({ aliases }: Preset, model: string): Alias | undefined {
  const real = aliases != null && Object.hasOwn(aliases, model) ? aliases[model] : undefined
  return real === undefined || real === model ? undefined : { shown: model, real }
}

/** What the routing is told and tells, with the names on either side. Each event is a chunk, as each has the name in it. */
export function aliasedContext(context: Context, preset: Preset): Context {
  const { takesRuns: _runs, onRoute, wishes, ...rest } = context
  const models = wishes?.models?.map(model => aliasOf(preset, model)?.real ?? model)
  return {
    ...rest,
    ...(wishes !== undefined && { wishes: models === undefined ? wishes : { ...wishes, models } }),
    ...(onRoute !== undefined && {
      onRoute: route => onRoute(shownRoute(preset, route)),
    }),
  }
}

function shownRoute(preset: Preset, route: Route): Route {
  const shownModel = shownName(preset, route.model)
  return shownModel === route.model ? route : { ...route, shownModel }
}

/** The first name that stands for a model; itself where none does. */
export function shownName({ aliases }: Preset, real: string): string {
  return Object.entries(aliases ?? {}).find(([, model]) => model === real)?.[0] ?? real
}

/** A chunk that names the model as the caller did. */
export function renamed(chunk: Chunk, shown: string): Chunk {
  if (chunk.event !== undefined || (!chunk.isRaw && chunk.data === undefined)) return chunk
  const json = chunk.json()
  if (typeof json !== 'object' || json === null || !('model' in json)) return chunk
  const body = { ...json, model: shown }
  return chunk.isRaw ? Chunk.raw(Buffer.from(JSON.stringify(body)), chunk.meta, body) : Chunk.of(body, chunk.meta)
}

/**
 * An error without what the caller is not to see. An upstream's own words may quote the prompt and the parameters, so
 * only their status is passed on.
 */
export function discreet(cause: unknown, context: Context, preset: Preset): ParleyError {
  const error = ParleyError.from(cause, context.signal)
  const { code, message, details, retryAfterSeconds, param, saidBy, passOn, isUnsent } = error
  return new ParleyError(code, unnamed(message, preset), {
    cause,
    isUnsent,
    ...(details !== undefined && { details: JSON.parse(unnamed(JSON.stringify(details), preset)) }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(param !== undefined && { param }),
    ...(saidBy !== undefined && { saidBy }),
    ...(passOn !== undefined && { passOn: { status: passOn.status } }),
  })
}

function unnamed(text: string, { aliases }: Preset): string {
  return Object.entries(aliases ?? {}).reduce((said, [shown, real]) => {
    // A name may hold the one it stands for.
    const parts = said.split(shown).map(part => part.replaceAll(real, shown))
    return parts.join(shown)
  }, text)
}

/** The models as callers with this preset know them. */
export function shownModels(models: readonly Model[], { aliases }: Preset): Model[] {
  const hidden = new Set(Object.values(aliases ?? {}))
  const named = Object.entries(aliases ?? {}).flatMap(([shown, real]) => {
    const model = models.find(({ id }) => id === real)
    return model === undefined ? [] : [{ ...model, id: shown }]
  })
  return [...models.filter(({ id }) => !hidden.has(id)), ...named]
}
