import { type Command, Option } from 'commander'
import { z } from 'zod'
import { callNeeds, type ErrorCode, errorTable, ParleyError, routingPolicies, tasks } from '../../core/index.ts'
import { action } from '../context.ts'
import { pairs, table } from '../output.ts'
import { requireNode } from '../running-node.ts'

export function addRoute(program: Command): void {
  const route = program.command('route').description('who answers a call, and why')
  route
    .command('explain')
    .argument('<model>', 'a model of `parley models`')
    .description('show whom the running node would ask for a model, in which order and why')
    .option('--provider <name>', 'as if the request named this provider')
    .addOption(new Option('--policy <name>', 'as if this policy were configured').choices(routingPolicies))
    .option('--key <name>', 'as if this key were sent, by its name or id')
    .addOption(new Option('--task <name>', 'what is asked; chat when missing').choices(tasks))
    .addOption(new Option('--needs <what...>', 'what the request uses').choices(callNeeds))
    .option('--text-bytes <count>', 'the size of its text')
    .option('--max-tokens <count>', 'the tokens of answer it asks for')
    .addHelpText(
      'after',
      '\nExamples:\n  $ parley route explain qwen3-8b\n  $ parley route explain qwen3-8b --policy cheapest --json' +
        '\n  $ parley route explain qwen3-8b --key mobile --needs vision tools --text-bytes 40000',
    )
    .action(
      action(async ({ load, out, signal }, model: string, { needs, ...options }: ExplainOptions) => {
        const query = new URLSearchParams({ model, ...options })
        for (const need of needs ?? []) query.append('needs', need)
        const bound = AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)])
        const answer = await requireNode(load().config.paths).read(`/api/route/explain?${query}`, bound)
        const explanation = Explanation.parse(answer)
        out.answer(explanation, shown)
        if (explanation.error !== undefined) throw errorOf(explanation.error)
      }),
    )
}

type ExplainOptions = Omit<Record<string, string>, 'needs'> & { readonly needs?: readonly string[] }

const askTimeoutMs = 10_000

const Candidate = z.looseObject({
  name: z.string(),
  kind: z.string(),
  place: z.int().optional(),
  why: z.string(),
  weight: z.number(),
  priority: z.number(),
  alias: z.string().optional(),
  unit: z.string().default('tokens'),
  priceIn: z.string().optional(),
  priceOut: z.string().optional(),
  dollars: z.record(z.string(), z.string()).optional(),
  state: z.string(),
  coolsDownForMs: z.number(),
  successes: z.number(),
  failures: z.number(),
  firstChunkMs: z.number().optional(),
  tokensPerSecond: z.number().optional(),
})

const Rule = z.looseObject({ place: z.int(), use: z.record(z.string(), z.unknown()) })

const Reason = z.looseObject({ why: z.string() })

const Explanation = z.looseObject({
  model: z.string(),
  policy: z.string(),
  isDrawn: z.boolean(),
  maxAttempts: z.number(),
  rule: Rule.optional(),
  otherRules: z.array(z.int()).default([]),
  candidates: z.array(Candidate),
  hedge: z.union([z.looseObject({ backend: z.string(), afterMs: z.number() }), Reason]).optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
})

function shown(explanation: z.infer<typeof Explanation>): string {
  const { model, policy, isDrawn, maxAttempts, candidates } = explanation
  const facts = pairs([
    ['model', model],
    ['policy', isDrawn ? `${policy} (chance has a part: the next call may take another order)` : policy],
    ...ruleRows(explanation),
    ['attempts', `${maxAttempts} at the most`],
    ...hedgeRows(explanation),
  ])
  return candidates.length === 0 ? facts : `${facts}\n\n${table(headings, candidates.map(row))}`
}

function ruleRows({ rule, otherRules }: z.infer<typeof Explanation>): [string, string][] {
  const rows: [string, string][] = []
  if (rule !== undefined) rows.push(['rule', `${rule.place}: ${useOf(rule.use)}`])
  if (otherRules.length > 0) rows.push(['other rules', `${otherRules.join(', ')} may hold, for other requests or keys`])
  return rows
}

function hedgeRows({ hedge }: z.infer<typeof Explanation>): [string, string][] {
  if (hedge === undefined) return []
  const { backend, afterMs, why } = hedge
  return [
    ['second', backend === undefined ? `nobody: ${why}` : `${backend}, when the first says nothing for ${afterMs} ms`],
  ]
}

function useOf(use: Readonly<Record<string, unknown>>): string {
  return Object.entries(use)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(', ') : String(value)}`)
    .join('; ')
}

const headings = [
  '#',
  'PROVIDER',
  'KIND',
  'PRIORITY',
  'WEIGHT',
  'PRICE IN/OUT',
  'FIRST WORD',
  'TOKENS/S',
  'OK/FAILED',
  'STATE',
  'WHY',
]

function row(candidate: z.infer<typeof Candidate>): string[] {
  const { place, name, alias, kind, priority, weight, why } = candidate
  const { firstChunkMs, tokensPerSecond, successes, failures, state, coolsDownForMs } = candidate
  return [
    place === undefined ? '-' : String(place),
    alias === undefined ? name : `${name} (${alias})`,
    ...[kind, String(priority), String(weight)],
    priceOf(candidate),
    firstChunkMs === undefined ? '-' : `${firstChunkMs} ms`,
    tokensPerSecond === undefined ? '-' : String(tokensPerSecond),
    `${successes}/${failures}`,
    state === 'open' ? `open for ${Math.ceil(coolsDownForMs / 1_000)} s` : state,
    why,
  ]
}

function priceOf({ unit, priceIn, priceOut, dollars = {} }: z.infer<typeof Candidate>): string {
  const { in: prompt, out: answer, ...each } = dollars
  const tokens = prompt === undefined && answer === undefined ? [] : [`$${prompt ?? 0}/${answer ?? 0}`]
  const others = Object.entries(each).map(([side, amount]) => `$${amount} ${side}`)
  if (tokens.length + others.length > 0) return [...tokens, ...others].join(' ')
  if (priceIn === undefined && priceOut === undefined) return 'free'
  return `${priceIn ?? 0}/${priceOut ?? 0}${unit === 'tokens' ? '' : ` ${unit}`}`
}

function errorOf({ code, message }: { code: string; message: string }): ParleyError {
  return new ParleyError(Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'internal', message)
}
