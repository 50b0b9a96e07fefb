import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatAmount } from '../src/chain/index.ts'
import { openStage } from '../src/cli/stage.ts'
import { ParleyError } from '../src/core/index.ts'
import { type Answer, ask } from './demo/answer.ts'
import { type Books, createBooks, reconcile } from './demo/books.ts'

/**
 * The main job, once and for real: a chain, the contracts, a provider with a model, a user that pays it, the official
 * OpenAI SDK in front, the claim, and books that must agree to the last unit. `--keep` stays up instead (`parley dev`),
 * `--json` prints one object on stdout.
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean' }, keep: { type: 'boolean' }, port: { type: 'string' } },
})

const questions = ['What is the capital of France?', 'What is 7 plus 5?', 'Tell me a story about a dog.']

if (values.keep) keepUp()
else await demo(values.json === true)

async function demo(isJson: boolean): Promise<void> {
  const startedAt = performance.now()
  const say = (text: string) => {
    const line = `${((performance.now() - startedAt) / 1_000).toFixed(2).padStart(6)} s  ${text}`
    if (isJson) console.error(line)
    else console.log(line)
  }
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  process.once('SIGTERM', () => interrupted.abort())
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(120_000)])
  const stage = await openStage({ env: process.env, signal, port: 0, deposit: '10', say })
  try {
    const books = await createBooks(stage, signal)
    const before = await books.read(signal)
    for (const line of balanceLines(before, books.format)) say(`before  ${line}`)
    const answers: Answer[] = []
    for (const question of questions) answers.push(await ask(stage, question, { signal, say }))
    const owed = await books.read(signal)
    say(
      `vouchers over ${books.format(owed.accepted)} are with the provider, its receipts say ${books.format(owed.charged)}`,
    )
    const claim = await stage.as.provider('the claim', ['provider', 'claim', '--yes'])
    const [{ gasUsed = '0' } = {}] = claim.transactions as { gasUsed?: string }[]
    const claimed = BigInt(String(claim.paid))
    say(`the provider claimed ${books.format(claimed)} on chain (gas ${gasUsed})`)
    const after = await books.read(signal)
    for (const line of balanceLines(after, books.format)) say(`after   ${line}`)
    const result = reconcile(before, after, claimed)
    for (const line of result.lines) say(line)
    if (isJson) console.log(JSON.stringify(summary(answers, stage.gas, { before, after, claimed, gasUsed, ...result })))
    if (!result.reconciled) throw new ParleyError('ledger_conflict', 'the books do not agree; see the lines above')
    say('the books agree to the last unit')
  } finally {
    await stage.stop()
  }
}

interface Outcome {
  before: Books
  after: Books
  claimed: bigint
  gasUsed: string
  reconciled: boolean
}

function summary(answers: readonly Answer[], gas: object, { before, after, claimed, gasUsed, reconciled }: Outcome) {
  const [first] = answers
  const total = (field: 'tokensIn' | 'tokensOut') => answers.reduce((sum, answer) => sum + answer[field], 0)
  const longest = answers.reduce((best, answer) => (answer.tokensOut > best.tokensOut ? answer : best))
  return {
    v: 1,
    reconciled,
    tokensIn: total('tokensIn'),
    tokensOut: total('tokensOut'),
    tokensPerSecond: Math.round(longest.tokensPerSecond),
    timeToFirstTokenMs: Math.round(first?.timeToFirstTokenMs ?? 0),
    paid: String(after.authorized),
    charged: String(after.charged),
    claimed: String(claimed),
    gas: { ...gas, claim: gasUsed },
    balances: { before: shown(before), after: shown(after) },
  }
}

function balanceLines({ balances }: Books, format: (amount: bigint) => string): string[] {
  return Object.entries(balances).map(([name, amount]) => `${name.padEnd(14)} ${format(amount)}`)
}

function shown({ balances }: Books): Record<string, string> {
  return Object.fromEntries(Object.entries(balances).map(([name, amount]) => [name, formatAmount(amount, 6)]))
}

function keepUp(): void {
  const door = fileURLToPath(new URL('parley.cjs', import.meta.url))
  const args = [door, 'dev', ...(values.json ? ['--json'] : []), ...(values.port ? ['--port', values.port] : [])]
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  // The terminal sends its Ctrl-C to both; a SIGTERM to this process alone is handed on.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', code => {
    process.exitCode = code ?? 1
  })
}
