import { countOf, entriesIn } from './listing.ts'
import type { ServiceAdapter } from './service.ts'

/** Cohere's second API. Its list of models is still in the first. */
export const cohere: ServiceAdapter = {
  address: () => 'https://api.cohere.com/v2',
  load: async ({ baseURL, apiKey, fetch }) => {
    const { createCohere } = await import('@ai-sdk/cohere')
    const provider = createCohere({ baseURL, apiKey, fetch })
    return { chat: provider, embedding: model => provider.embeddingModel(model) }
  },
  listing: {
    path: basePath => `${basePath.replace(/\/v2$/, '/v1')}/models?page_size=1000`,
    headers: apiKey => ({ authorization: `Bearer ${apiKey}` }),
    read: answer =>
      entriesIn(answer, 'models')?.map(({ name, context_length, endpoints }) => ({
        id: String(name),
        ...countOf('context_length', context_length),
        ...capabilities(endpoints),
      })),
  },
  embeddingOptions: ({ dimensions, input_type }) => ({
    cohere: {
      ...(dimensions != null && { outputDimension: dimensions }),
      ...(typeof input_type === 'string' && { inputType: input_type }),
    },
  }),
}

function capabilities(endpoints: unknown): { capabilities?: string[] } {
  if (!Array.isArray(endpoints)) return {}
  const known = [...(endpoints.includes('chat') ? ['chat'] : []), ...(endpoints.includes('embed') ? ['embedding'] : [])]
  return known.length === 0 ? {} : { capabilities: known }
}
