import { countOf, entriesIn, secondsOf } from './listing.ts'
import type { ServiceAdapter } from './service.ts'

/** Mistral's own API: close to OpenAI's, but with thoughts in parts and other names for some wishes. */
export const mistral: ServiceAdapter = {
  address: () => 'https://api.mistral.ai/v1',
  load: async ({ baseURL, apiKey, fetch }) => {
    const { createMistral } = await import('@ai-sdk/mistral')
    const provider = createMistral({ baseURL, apiKey, fetch })
    return { chat: provider, embedding: model => provider.embeddingModel(model) }
  },
  listing: {
    path: basePath => `${basePath}/models`,
    headers: apiKey => ({ authorization: `Bearer ${apiKey}` }),
    read: answer =>
      entriesIn(answer, 'data')?.map(({ id, created, max_context_length }) => ({
        id: String(id),
        created: secondsOf(created),
        ...countOf('context_length', max_context_length),
      })),
  },
  chatOptions: ({ parallel_tool_calls, response_format }) => ({
    mistral: {
      ...(typeof parallel_tool_calls === 'boolean' && { parallelToolCalls: parallel_tool_calls }),
      strictJsonSchema: isStrict(response_format),
    },
  }),
  embeddingOptions: ({ dimensions }) => ({
    mistral: { ...(dimensions != null && { outputDimension: dimensions }) },
  }),
}

function isStrict(format: unknown): boolean {
  return (format as { json_schema?: { strict?: unknown } } | null | undefined)?.json_schema?.strict === true
}
