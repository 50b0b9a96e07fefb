import { z } from 'zod'
import { wholeNumber } from '../whole-number.ts'
import { InputItem } from './input-item.ts'

/**
 * A search of the web is what agents offer on top, whoever answers them, and a model that is not offered one does without.
 * The response lists the tools that the model was offered.
 */
const searchType = /^web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?$/

/** A function an app offers. Tools that the original runs itself have nobody to run them here. */
const Tool = z
  .looseObject({
    type: z.string(),
    name: z.string().min(1).optional(),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  })
  .superRefine(({ type, name }, context) => {
    if (searchType.test(type)) return
    if (type !== 'function') {
      const message = `the tool ${type.slice(0, 40)} is unsupported: nothing here can run it; leave it out or offer a function`
      context.addIssue({ code: 'custom', path: ['type'], message })
    } else if (name === undefined)
      context.addIssue({ code: 'custom', path: ['name'], message: 'a function has a name' })
  })
export type Tool = z.infer<typeof Tool>

const Tools = z
  .array(Tool)
  .max(1_024)
  .transform(tools => tools.filter(({ type }) => type === 'function'))

const choiceTypes = ['function', 'allowed_tools']

const ToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z
    .looseObject({
      type: z.string(),
      name: z.string().optional(),
      mode: z.enum(['auto', 'required']).optional(),
      tools: z.array(z.looseObject({ type: z.string(), name: z.string().optional() })).optional(),
    })
    .superRefine(({ type }, context) => {
      if (choiceTypes.includes(type)) return
      const message = `choosing ${type.slice(0, 40)} is unsupported; choose a function`
      context.addIssue({ code: 'custom', path: ['type'], message })
    }),
])
export type ToolChoice = z.infer<typeof ToolChoice>

const TextFormat = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    name: z.string(),
    schema: z.record(z.string(), z.unknown()),
    description: z.string().optional(),
    strict: z.boolean().nullish(),
  }),
])
export type TextFormat = z.infer<typeof TextFormat>

/** What asks for something to be remembered here, and what to do instead. */
function nothingKept(message: string) {
  return z
    .unknown()
    .refine(value => value === undefined || value === null || value === false, message)
    .optional()
}

/** The limit of input items; a conversation beyond it is no longer read by any model. */
const maxItems = 8_192

/**
 * The Responses API, as far as it can be told as one chat call: the whole input comes with every request, because nothing
 * is kept. Whatever is unknown here goes on to the chat call. https://platform.openai.com/docs/api-reference/responses
 */
export const ResponsesRequest = z
  .looseObject({
    model: z.string().min(1),
    input: z.preprocess(
      value => (typeof value === 'string' ? [{ type: 'message', role: 'user', content: value }] : value),
      z.array(InputItem).min(1).max(maxItems),
    ),
    instructions: z.string().nullish(),
    tools: Tools.nullish(),
    tool_choice: ToolChoice.nullish(),
    parallel_tool_calls: z.boolean().nullish(),
    text: z.looseObject({ format: TextFormat.nullish(), verbosity: z.string().nullish() }).nullish(),
    reasoning: z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }).nullish(),
    max_output_tokens: z.number().int().positive().nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    top_logprobs: z.number().int().min(0).max(20).nullish(),
    include: z.array(z.string()).nullish(),
    seed: wholeNumber.nullish(),
    metadata: z.record(z.string(), z.string()).nullish(),
    user: z.string().nullish(),
    truncation: z.enum(['auto', 'disabled']).nullish(),
    stream: z.boolean().nullish(),
    store: z.boolean().nullish(),
    previous_response_id: nothingKept('this node keeps no responses; send the whole input'),
    conversation: nothingKept('this node keeps no conversations; send the whole input'),
    prompt: nothingKept('this node keeps no prompts; send instructions and input'),
    background: nothingKept('this node keeps no responses to be fetched later; leave background out'),
  })
  .superRefine(({ tools, tool_choice }, context) => {
    if (tool_choice !== 'required' || (tools ?? []).length > 0) return
    const message = 'a tool is required and there is none to be called here; offer a function or leave tool_choice out'
    context.addIssue({ code: 'custom', path: ['tool_choice'], message })
  })
export type ResponsesRequest = z.infer<typeof ResponsesRequest>
