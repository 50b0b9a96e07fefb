import {
  type Call,
  type DryRun,
  type EndpointDesk,
  type EndpointRow,
  type EndpointUpdate,
  type JsonDocument,
  type Live,
  ParleyError,
  type Store,
} from '../../core/index.ts'
import type { Explanation, RouteQuestion } from '../../gateway/index.ts'
import { toWishes, WishFields, wishFieldsOf, withoutWishes } from '../../openai/index.ts'
import { type ApiPath, mappedTasks } from '../setup.ts'
import { changeLive, defined, inTurn, knownOr } from './common.ts'
import { checkTargets } from './mapping.ts'

export interface EndpointParts {
  readonly store: Pick<Store, 'endpoints'>
  readonly live: Live
  /** Which way a call would take now. */
  readonly explain: (question: RouteQuestion) => Explanation
  /** Of all that can be asked, those of the store that are disabled included. */
  readonly providerNames: () => Promise<readonly string[]>
}

export function createEndpointDesk(parts: EndpointParts): EndpointDesk {
  const { store } = parts
  const turn = inTurn()
  const get = async (id: string) => knownOr(await store.endpoints.get(id), 'endpoint', id)
  return {
    list: (filter, page) => store.endpoints.list(filter, page),
    get,
    update: (id, update) => turn(async () => await change(parts, await get(id), update)),
    dryRun: async (id, request) => dryRun(parts, await get(id), request),
  }
}

async function change(parts: EndpointParts, { id, path }: EndpointRow, update: EndpointUpdate): Promise<EndpointRow> {
  const { store, live, providerNames } = parts
  const { mapping } = update
  if (mapping !== undefined) {
    checkTargets(mapping, await providerNames())
    live.check({ endpoints: [{ path, mapping }] })
  }
  return await changeLive(live, () => store.endpoints.update(id, defined(update)))
}

function dryRun({ explain, live }: EndpointParts, { path }: EndpointRow, request: JsonDocument): DryRun {
  if (!Object.hasOwn(mappedTasks, path)) {
    throw new ParleyError('unsupported', `no provider is asked for ${path}; try the path of a call`)
  }
  const { model } = request
  if (typeof model !== 'string' || model === '') {
    throw new ParleyError('invalid_request', 'request.model is missing; send it', { param: 'request.model' })
  }
  const fields = wishFieldsOf(request)
  const wishes = fields === undefined ? undefined : wishesIn(fields)
  const body = wishes === undefined ? request : (withoutWishes(request, wishes) as JsonDocument)
  const call = { task: mappedTasks[path as ApiPath], body } as unknown as Call
  const { candidates, error } = explained(explain, { model, call, ...(wishes && { wishes: toWishes(wishes) }) })
  const [first] = candidates
  const isOpen = live.isOpen(path)
  const chosen = isOpen && first?.place === 1 ? first : undefined
  const named = chosen?.alias ?? model
  return {
    provider: chosen?.name ?? null,
    model: named,
    reason: isOpen ? (error?.message ?? null) : `${path} is closed; set it active`,
    body: { ...body, model: named },
    candidates: candidates.map(({ name, place, why }) => ({ name, why, ...(place !== undefined && { place }) })),
  }
}

function wishesIn(fields: unknown) {
  const parsed = WishFields.safeParse(fields)
  if (parsed.success) return parsed.data
  const param = `request.${parsed.error.issues[0]?.path.join('.') ?? ''}`
  throw new ParleyError('invalid_request', `${param} does not fit; see docs/routing.md`, { param })
}

/** A body that no model could be asked with is at fault, and not this node. */
function explained(explain: EndpointParts['explain'], question: RouteQuestion): Explanation {
  try {
    return explain(question)
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause
    throw new ParleyError('invalid_request', 'request is no body of this path; see docs/apps.md', { cause })
  }
}
