import { countOf, entriesIn } from './listing.ts'
import type { ServiceAdapter } from './service.ts'

/** Gemini, by Google's Generative Language API. */
export const google: ServiceAdapter = {
  address: () => 'https://generativelanguage.googleapis.com/v1beta',
  load: async ({ baseURL, apiKey, fetch }) => {
    const { createGoogle } = await import('@ai-sdk/google')
    const provider = createGoogle({ baseURL, apiKey, fetch })
    return { chat: provider, embedding: model => provider.embeddingModel(model) }
  },
  listing: {
    path: basePath => `${basePath}/models?pageSize=1000`,
    headers: apiKey => ({ 'x-goog-api-key': apiKey }),
    read: answer =>
      entriesIn(answer, 'models')?.map(({ name, inputTokenLimit, outputTokenLimit, supportedGenerationMethods }) => ({
        id: String(name).replace(/^models\//, ''),
        ...countOf('context_length', inputTokenLimit),
        ...countOf('max_output_tokens', outputTokenLimit),
        ...capabilities(supportedGenerationMethods),
      })),
  },
  chatOptions: ({ reasoning_effort }) => {
    const showsThoughts = typeof reasoning_effort === 'string' && reasoning_effort !== 'none'
    return showsThoughts ? { google: { thinkingConfig: { includeThoughts: true } } } : {}
  },
  embeddingOptions: ({ dimensions }) => ({
    google: { ...(dimensions != null && { outputDimensionality: dimensions }) },
  }),
}

function capabilities(methods: unknown): { capabilities?: string[] } {
  if (!Array.isArray(methods)) return {}
  const known = [
    ...(methods.includes('generateContent') ? ['chat'] : []),
    ...(methods.includes('embedContent') ? ['embedding'] : []),
  ]
  return known.length === 0 ? {} : { capabilities: known }
}
