import type { Backend, Call, Context, Filter, Principal, Reply, Route } from '../core/index.ts'
import { filter, ParleyError } from '../core/index.ts'
import type { ChatRequest, CompletionRequest, Preset } from '../openai/index.ts'
import { aliasedContext, aliasOf, discreet, renamed } from './alias.ts'

/** The preset of a caller; undefined for one without. */
export type PresetOf = (principal: Principal) => Promise<Preset | undefined> | Preset | undefined

/**
 * Adds to the calls of a project what its operator has set for it: a system text, parameters, the models its names stand
 * for. Callers see nothing of it, in answers or in errors.
 */
export function preset(presetOf: PresetOf): Filter {
  return filter(async function* (inner, call, context) {
    const found = presetOf(context.principal)
    const own = found instanceof Promise ? await found : found
    return yield* own === undefined ? inner.run(call, context) : runWith(own, inner, call, context)
  })
}

/** A call as it will be asked of models: what it takes is what that takes. */
export function presetOn(presetOf: PresetOf): (call: Call, principal: Principal) => Promise<Call> | Call {
  const set = (own: Preset | undefined, call: Call) =>
    own === undefined ? call : presetCall(call, own, aliasOf(own, call.body.model)?.real ?? call.body.model)
  return (call, principal) => {
    const found = presetOf(principal)
    return found instanceof Promise ? found.then(own => set(own, call)) : set(found, call)
  }
}

async function* runWith(own: Preset, inner: Backend, call: Call, context: Context): Reply {
  const alias = aliasOf(own, call.body.model)
  const set = presetCall(call, own, alias?.real ?? call.body.model)
  let shown = alias?.shown
  const onRoute = (route: Route) => {
    // A fallback model may have a name of its own to its caller, too.
    if (route.isFallback) shown = route.shownModel
    context.onRoute?.(route)
  }
  const reply = inner.run(set, own.aliases == null ? context : aliasedContext({ ...context, onRoute }, own))
  try {
    for (;;) {
      const step = await reply.next()
      if (step.done === true) return step.value
      yield shown === undefined ? step.value : renamed(step.value, shown)
    }
  } catch (cause) {
    throw discreet(cause, context, own)
  } finally {
    await reply.return(undefined as never)
  }
}

/** Parameters are those of answers in text: other tasks have others. */
function presetCall(call: Call, own: Preset, model: string): Call {
  if (call.task === 'chat') {
    const messages = messagesWith(call.body, own)
    return { ...call, body: { ...withParameters(call.body, own), messages, model } }
  }
  if (call.task === 'completion') {
    const prompt = promptWith(call.body, own)
    return { ...call, body: { ...withParameters(call.body, own), prompt, model } }
  }
  return { ...call, body: { ...call.body, model } } as Call
}

function messagesWith({ messages }: ChatRequest, { system, own }: Preset): ChatRequest['messages'] {
  if (system == null) return messages
  const isOwn = messages.some(({ role }) => role === 'system' || role === 'developer')
  if (isOwn && own === 'refused') throw refused('messages', 'a system text of its own')
  return [{ role: 'system', content: system }, ...messages]
}

function promptWith({ prompt, echo }: CompletionRequest, { system }: Preset): CompletionRequest['prompt'] {
  if (system == null) return prompt
  if (echo === true) throw refused('echo', 'echo')
  const before = (text: string) => `${system}\n\n${text}`
  if (typeof prompt === 'string') return before(prompt)
  const texts = prompt.filter(part => typeof part === 'string')
  if (texts.length !== prompt.length) throw refused('prompt', 'a prompt of tokens')
  return texts.map(before)
}

type Fields = Readonly<Record<string, unknown>>

/** Two names of one limit: whoever sets the one sets the other. */
const limitNames = ['max_tokens', 'max_completion_tokens']

function withParameters<T extends Fields>(body: T, { defaults, forced, own }: Preset): T {
  const isSet = (name: string) => namesOf(name).some(each => body[each] != null)
  const set = Object.keys({ ...defaults, ...forced }).find(isSet)
  if (set !== undefined && own === 'refused') throw refused(namesOf(set).find(each => body[each] != null)!, set)
  const added = Object.entries(defaults ?? {}).filter(([name]) => !isSet(name))
  const overruled = Object.keys(forced ?? {}).flatMap(namesOf)
  const kept = Object.entries(body).filter(([name]) => !overruled.includes(name))
  return Object.fromEntries([
    ...kept,
    ...added.filter(([name]) => !overruled.includes(name)),
    ...Object.entries(forced ?? {}),
  ]) as T
}

function namesOf(name: string): readonly string[] {
  return limitNames.includes(name) ? limitNames : [name]
}

function refused(param: string, what: string): ParleyError {
  return new ParleyError(
    'invalid_request',
    `calls of this key cannot have ${what}: its project sets that; leave it out`,
    {
      param,
    },
  )
}
