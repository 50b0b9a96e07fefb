import { z } from 'zod'

const Text = z.looseObject({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() })

const Image = z
  .looseObject({ type: z.literal('input_image'), image_url: z.string().nullish(), detail: z.string().nullish() })
  .refine(({ image_url }) => image_url != null, {
    path: ['image_url'],
    message: 'this node keeps no files; send the picture as image_url',
  })

const File = z
  .looseObject({ type: z.literal('input_file'), file_data: z.string().nullish(), filename: z.string().nullish() })
  .refine(({ file_data }) => file_data != null, {
    path: ['file_data'],
    message: 'this node keeps and fetches no files; send the content as file_data',
  })

const Sound = z.looseObject({ type: z.literal('input_audio'), input_audio: z.looseObject({}) })
const Refusal = z.looseObject({ type: z.literal('refusal'), refusal: z.string() })

/** Says which type it was that nothing here knows. */
function unknownType(what: string) {
  return (issue: { input?: unknown }) => {
    const { type } = (issue.input ?? {}) as { type?: unknown }
    return typeof type === 'string' ? `${what} of type ${type.slice(0, 40)} is unsupported; leave it out` : undefined
  }
}

const Part = z.discriminatedUnion('type', [Text, Image, File, Sound, Refusal], { error: unknownType('a part') })
export type Part = z.infer<typeof Part>

/** A plain text is short for one part of it. */
const Content = z.preprocess(
  value => (typeof value === 'string' ? [{ type: 'input_text', text: value }] : value),
  z.array(Part).max(8_192),
)

const Message = z.looseObject({
  type: z.literal('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: Content,
})

const FunctionCall = z.looseObject({
  type: z.literal('function_call'),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
})

const FunctionCallOutput = z.looseObject({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: Content,
})

const Thought = z.looseObject({ text: z.string() })

const Reasoning = z.looseObject({
  type: z.literal('reasoning'),
  content: z.array(Thought).nullish(),
  summary: z.array(Thought).nullish(),
})

const Reference = z.looseObject({ type: z.literal('item_reference') }).refine(() => false, {
  path: ['id'],
  message: 'this node keeps no items; send the item itself, as SDKs do with store: false',
})

const Item = z.discriminatedUnion('type', [Message, FunctionCall, FunctionCallOutput, Reasoning, Reference], {
  error: unknownType('an item'),
})

/** One thing said or done so far. A message may leave its type out. */
export const InputItem = z.preprocess(
  value => (isUntyped(value) ? { ...value, type: 'role' in value ? 'message' : 'item_reference' } : value),
  Item,
)
export type InputItem = z.infer<typeof InputItem>

function isUntyped(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && (value as { type?: unknown }).type == null
  )
}
