import { z } from 'zod'
import { callNeeds, routingPolicies, tasks } from '../../core/index.ts'
import type { Handler } from '../exchange.ts'
import { ChainFacts } from './money-schemas.ts'
import { LiveState } from './providers.ts'
import { type AdminRoute, declareIn } from './route.ts'
import { Units } from './schemas.ts'

const declare = declareIn('status')

const Summary = z
  .object({
    chain: ChainFacts.pick({ id: true, blockNumber: true, isStale: true, error: true }).nullable(),
    peers: z.int().nullable().describe('Peers connected now; null where there is no network.'),
    models: z.int().describe('How many models can be asked.'),
    balance: z.object({ escrow: Units, symbol: z.string(), decimals: z.int() }).nullable(),
    selling: z.boolean(),
    archive: z.boolean().describe('Whether texts are kept where a key does not say otherwise.'),
  })
  .meta({ id: 'Summary', description: 'In a few numbers, from memory.' })

const Status = z
  .looseObject({
    version: z.string(),
    uptimeSeconds: z.number(),
    store: z.enum(['up', 'down']).describe('The database of the gateway.'),
    shared: z.enum(['alone', 'joined', 'cut_off']).describe('Whether the nodes that share limits are heard.'),
    upstreams: z.array(LiveState).readonly(),
    queues: z.record(z.string(), z.number()).describe('What waits to be written, by name.'),
    summary: Summary,
  })
  .meta({ id: 'Status' })

const Count = z.string().regex(/^\d{1,10}$/, { error: 'is no whole number; send one' })
const Health = z.object({ status: z.literal('ok'), version: z.string(), uptimeSeconds: z.number() })

export interface StatusOptions {
  /** What an admin sees beside it: models, peers, the chain, what is sold. */
  readonly status: () => unknown
  /** Which way a call would take. */
  readonly explain: Handler
  /** Reads the configuration again. */
  readonly reload?: () => Promise<unknown>
}

const Reloaded = z
  .looseObject({
    generation: z.int().describe('Grows with every setup.'),
    needsRestart: z.array(z.string()).readonly().describe('Sections that were changed and count from the next start.'),
  })
  .meta({ id: 'Reloaded' })

function reloadRoutes({ reload }: StatusOptions): AdminRoute[] {
  if (reload === undefined) return []
  return [
    declare(
      'POST /reload',
      {
        access: 'operator',
        summary: 'Reads the configuration file and the store again: upstreams, endpoints and routing change at once.',
        body: z.strictObject({}),
        answer: Reloaded,
      },
      async () => (await reload()) as z.input<typeof Reloaded>,
    ),
  ]
}

export function statusRoutes(options: StatusOptions): AdminRoute[] {
  const { status, explain } = options
  return [
    ...reloadRoutes(options),
    declare(
      'GET /status',
      {
        access: 'viewer',
        summary: 'How the node is; an admin sees models, peers and the chain as well.',
        answer: Status,
      },
      async ({ actor }, management) => {
        const health = await management.status.status()
        const details = actor?.role === 'admin' ? Object(status()) : {}
        return { ...details, ...health, summary: management.treasury.summary() }
      },
    ),
    declare(
      'GET /status/health',
      { access: 'public', summary: 'Whether the process answers; asks nobody else.', answer: Health },
      async (_, management) => ({ status: 'ok' as const, ...management.status.health() }),
    ),
    declare(
      'GET /route/explain',
      {
        access: 'operator',
        summary: 'Which way a call for a model would take, and why.',
        query: z.strictObject({
          model: z.string().optional().describe('The model that would be asked for.'),
          provider: z.array(z.string()).optional().describe('These alone, in this order.'),
          policy: z.enum(routingPolicies).optional(),
          key: z.string().optional().describe('Name or id of the key that would be sent.'),
          task: z.enum(tasks).optional(),
          needs: z.array(z.enum(callNeeds)).optional().describe('What the model must be able to.'),
          textBytes: Count.optional().describe('The size of its text.'),
          maxTokens: Count.optional().describe('The most it would let be said.'),
        }),
        sends: 'application/json',
      },
      async ({ exchange }) => await explain(exchange),
    ),
  ]
}
