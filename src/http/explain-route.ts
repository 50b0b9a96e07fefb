import { callNeeds, ParleyError, routingPolicies, tasks } from '../core/index.ts'
import { type RouteQuestion, sampleCall } from '../gateway/index.ts'
import { toWishes, WishFields } from '../openai/index.ts'
import { checked } from './call.ts'
import { type Handler, sendJson } from './exchange.ts'

/** On behalf of the node itself where no key is named. */
export interface RouteRequest extends RouteQuestion {
  /** Name or id of the key that would be sent. */
  readonly key?: string
}

const textBytesMax = 16 << 20
const tokensMax = 1_000_000_000

/**
 * `GET /api/route/explain?model=…`, and as if the request were like this: `provider` (several: these, in this order),
 * `policy`, `key`, `task`, `needs` (several), `textBytes`, `maxTokens`.
 */
export function explainRoute(explain: (question: RouteRequest) => unknown): Handler {
  return async ({ response, url: { searchParams } }) => {
    const model = searchParams.get('model')
    if (!model) throw new ParleyError('invalid_request', 'the model is missing; add ?model=…', { param: 'model' })
    const providers = searchParams.getAll('provider')
    const wishes = toWishes(checked(WishFields, providers.length === 0 ? {} : { provider: providers }))
    const policy = oneOf('policy', routingPolicies, searchParams.get('policy'))
    const key = searchParams.get('key')
    const call = sampleCall(model, traitsOf(searchParams))
    const answer = await explain({ model, wishes, call, ...(policy && { policy }), ...(key !== null && { key }) })
    sendJson(response, 200, answer)
  }
}

function traitsOf(params: URLSearchParams) {
  return {
    task: oneOf('task', tasks, params.get('task')),
    needs: params.getAll('needs').map(need => oneOf('needs', callNeeds, need)),
    textBytes: countOf('textBytes', params.get('textBytes'), textBytesMax),
    maxTokens: countOf('maxTokens', params.get('maxTokens'), tokensMax),
  }
}

function oneOf<T extends string>(param: string, known: readonly T[], text: string): T
function oneOf<T extends string>(param: string, known: readonly T[], text: string | null): T | undefined
function oneOf<T extends string>(param: string, known: readonly T[], text: string | null): T | undefined {
  const one = known.find(name => name === text)
  if (one !== undefined || text === null) return one
  const list = known.join(', ')
  throw new ParleyError('invalid_request', `${param} cannot be ${JSON.stringify(text)}; it is one of ${list}`, {
    param,
  })
}

function countOf(param: string, text: string | null, max: number): number | undefined {
  if (text === null) return undefined
  const count = Number(text)
  if (/^\d+$/.test(text) && count <= max) return count
  throw new ParleyError('invalid_request', `${param} is a whole number up to ${max}; send one`, { param })
}
