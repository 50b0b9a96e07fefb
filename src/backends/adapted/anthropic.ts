import { entriesIn, secondsOf } from './listing.ts'
import type { ServiceAdapter } from './service.ts'

/** Claude, by Anthropic's Messages API. It has no embeddings. */
export const anthropic: ServiceAdapter = {
  address: () => 'https://api.anthropic.com/v1',
  load: async ({ baseURL, apiKey, fetch }) => {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    return { chat: createAnthropic({ baseURL, apiKey, fetch }) }
  },
  listing: {
    path: basePath => `${basePath}/models?limit=1000`,
    headers: apiKey => ({ 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' }),
    read: answer =>
      entriesIn(answer, 'data')?.map(({ id, created_at }) => ({ id: String(id), created: secondsOf(created_at) })),
  },
  needsOwnThoughts: true,
  chatOptions: ({ parallel_tool_calls }) => ({
    anthropic: { disableParallelToolUse: parallel_tool_calls === false },
  }),
}
