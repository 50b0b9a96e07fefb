import type { ChatRequest } from '../../openai/index.ts'
import type { ServiceAdapter } from './service.ts'

/** Azure OpenAI, by the names of deployments. */
export const azure: ServiceAdapter = {
  address: ({ resource }) => (resource === undefined ? undefined : `https://${resource}.openai.azure.com/openai/v1`),
  load: async ({ baseURL, apiKey, fetch }) => {
    const { createAzure } = await import('@ai-sdk/azure')
    const provider = createAzure({ baseURL, apiKey, fetch })
    return { chat: model => provider.chat(model), embedding: model => provider.embeddingModel(model) }
  },
  takesLateInstructions: true,
  namesCompletionLimit: true,
  chatOptions: body => ({ openai: chatOptions(body) }),
  embeddingOptions: ({ dimensions, user }) => ({
    openai: { ...(dimensions != null && { dimensions }), ...(user != null && { user }) },
  }),
}

function chatOptions(body: Readonly<ChatRequest>) {
  const { response_format, parallel_tool_calls, max_completion_tokens, user } = body
  const schema = (response_format as { json_schema?: { strict?: unknown } } | null | undefined)?.json_schema
  return {
    strictJsonSchema: schema?.strict === true,
    ...(typeof parallel_tool_calls === 'boolean' && { parallelToolCalls: parallel_tool_calls }),
    // Reasoning models take no other limit, and a deployment's name does not tell whether it is one.
    ...(max_completion_tokens != null && { maxCompletionTokens: max_completion_tokens }),
    ...(user != null && { user }),
  }
}
