import type { SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { ServiceAdapter } from './service.ts'

/** Amazon Bedrock's Converse API, in binary event streams. Requests carry an API key or are signed with an account's keys. */
export const bedrock: ServiceAdapter = {
  address: ({ region }) => {
    if (region === undefined) return undefined
    return `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
  },
  load: async ({ baseURL, apiKey, fetch, region, aws }) => {
    const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock')
    // An empty key, unlike none, is not looked for in the environment.
    const keys = apiKey === '' && aws !== undefined ? { apiKey: '', ...aws } : { apiKey: apiKey || 'none' }
    const provider = createAmazonBedrock({ baseURL, fetch, ...keys, ...(region !== undefined && { region }) })
    return { chat: model => provider(model), embedding: model => provider.embeddingModel(model) }
  },
  needsOwnThoughts: true,
  embeddingOptions: ({ model, dimensions, input_type }): SharedV4ProviderOptions => ({
    bedrock: {
      ...(dimensions != null && { [dimensionsName(model)]: dimensions }),
      ...(typeof input_type === 'string' && { inputType: input_type }),
    },
  }),
}

/** Each family of embedding models has its own word for the length of a vector. */
function dimensionsName(model: string): string {
  if (model.includes('cohere.')) return 'outputDimension'
  return model.includes('nova') ? 'embeddingDimension' : 'dimensions'
}
