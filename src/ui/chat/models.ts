import { useQuery } from '@tanstack/react-query'
import { type ListedModel, listModels } from '../../openai/stream-client.ts'
import { request, useApi } from '../client/api.ts'
import { connection, useConnection } from '../client/connection.ts'
import { isNode, useMay } from '../client/session.ts'
import type { Model } from './rank.ts'

const everyMs = 20_000
const listIdleMs = 20_000
/** A list that could not be renewed for so long is called old. */
const staleMs = 90_000

/** The models that can be talked to, and how old what is known of them is. */
export function useModels() {
  const isConnected = useConnection() !== undefined
  const { data, error, isPending, dataUpdatedAt, refetch, isError } = useQuery({
    queryKey: ['GET /models', connection()?.baseUrl ?? null],
    queryFn: ({ signal }) => readModels(signal),
    refetchInterval: everyMs,
    enabled: isConnected,
  })
  const isStale = isError && data !== undefined && Date.now() - dataUpdatedAt > staleMs
  return {
    ...{ models: data ?? none, isPending: isPending && isConnected },
    ...{ error: data === undefined ? error : null, isStale, readAt: dataUpdatedAt, refetch },
  }
}

const none: readonly Model[] = []

async function readModels(signal: AbortSignal): Promise<readonly Model[]> {
  if (isNode) {
    const response = await request('GET /models', {}, signal)
    const { data } = (await response.json()) as { data: readonly Model[] }
    return data.filter(canChat)
  }
  const known = connection()
  if (known === undefined) return none
  return (await listModels(known, { signal, idleMs: listIdleMs })).map(listed).filter(canChat)
}

/** What a server lists, as far as its fields are known. */
function listed(model: ListedModel): Model {
  const { id, context_length: context, max_model_len: most, capabilities } = model
  return {
    ...{ id, contextLength: count(context) ?? count(most), maxOutputTokens: null, pricing: null, offers: [] },
    capabilities: Array.isArray(capabilities) ? capabilities.filter(name => typeof name === 'string') : null,
  }
}

function count(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value : null
}

const otherTasks = /embed|whisper|transcri|rerank|tts|dall-e|moderation|stable-diffusion|flux/i

/** Whether a model answers in chats, by what it is said to do, else by its name. */
function canChat({ id, capabilities, offers }: Model): boolean {
  if (offers.length > 0 && offers.every(({ unit }) => unit !== 'tokens')) return false
  if (capabilities !== null && capabilities.length > 0) return capabilities.includes('chat') || !isOther(capabilities)
  return !otherTasks.test(id)
}

function isOther(capabilities: readonly string[]): boolean {
  return capabilities.some(name => /embed|transcri|speech|image_gen|images|rerank|moderation/.test(name))
}

/** Whether those who would be paid in tokens of a chain can be paid. */
export function useCanPay(): boolean {
  const mayView = useMay('viewer')
  const { data } = useApi('GET /wallet', {}, { enabled: isNode && mayView, retry: false, staleTime: 30_000 })
  return data === undefined || data.state === 'open'
}
