import { ParleyError, type RoutingPolicy, routingPolicies } from '../core/index.ts'
import type { RouteQuestion } from '../gateway/index.ts'
import { toWishes, WishFields } from '../openai/index.ts'
import { checked } from './call.ts'
import { type Handler, sendJson } from './exchange.ts'

/** `GET /api/route/explain?model=…&provider=…&policy=…`: `provider` several times means these, in this order. */
export function explainRoute(explain: (question: RouteQuestion) => unknown): Handler {
  return async ({ response, url: { searchParams } }) => {
    const model = searchParams.get('model')
    if (!model) throw new ParleyError('invalid_request', 'the model is missing; add ?model=…', { param: 'model' })
    const providers = searchParams.getAll('provider')
    const wishes = toWishes(checked(WishFields, providers.length === 0 ? {} : { provider: providers }))
    const policy = policyOf(searchParams.get('policy'))
    sendJson(response, 200, explain({ model, wishes, ...(policy !== undefined && { policy }) }))
  }
}

function policyOf(text: string | null): RoutingPolicy | undefined {
  if (text === null) return undefined
  const policy = routingPolicies.find(known => known === text)
  if (policy !== undefined) return policy
  const known = routingPolicies.join(', ')
  throw new ParleyError('invalid_request', `there is no policy ${JSON.stringify(text)}; there are ${known}`, {
    param: 'policy',
  })
}
