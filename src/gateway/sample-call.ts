import type { Call, CallNeed, Task } from '../core/index.ts'

/** What a request is like, as far as routing looks at it. */
export interface CallTraits {
  readonly task?: Task | undefined
  readonly needs?: readonly CallNeed[] | undefined
  /** Size of its text in UTF-8. */
  readonly textBytes?: number | undefined
  /** Tokens of answer it asks for. */
  readonly maxTokens?: number | undefined
}

/** A request of these traits; without any it asks nothing of its model. */
export function sampleCall(model: string, { task = 'chat', needs = [], textBytes = 0, maxTokens }: CallTraits): Call {
  const text = 'x'.repeat(textBytes)
  const parts = needs.includes('vision') ? [{ type: 'image_url', image_url: { url: 'data:,' } }] : []
  const content = parts.length === 0 ? text : [{ type: 'text', text }, ...parts]
  const body = {
    model,
    ...(task === 'chat'
      ? { messages: [{ role: 'user', content }] }
      : { [task === 'completion' ? 'prompt' : 'input']: text }),
    ...(needs.includes('tools') && { tools: [{ type: 'function', function: { name: 'sample' } }] }),
    ...(needs.includes('json') && { response_format: { type: 'json_object' } }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  }
  return { task, body } as unknown as Call
}
