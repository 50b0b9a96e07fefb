import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openStage, type Stage } from '../src/cli/stage.ts'
import { type Endpoint, measureAnswers } from './bench/answers.ts'
import { measureGateway } from './bench/gateway.ts'
import { type Line, table } from './bench/lines.ts'
import { makeDirectory } from './bench/processes.ts'
import { measureStart } from './bench/start-up.ts'
import { measureTransport } from './bench/transport.ts'
import { writeRandomModel } from './random-model.ts'

const names = { nano: 'parley-nano', half: 'random-500m' }
const halfPath = fileURLToPath(new URL('../.parley/random-500m-q8_0.gguf', import.meta.url))

interface Options {
  readonly json: boolean
  readonly check: boolean
  /** Parts, separated by commas: transport, answers, start, gateway. */
  readonly only?: string | undefined
}

/** Measures the node against its targets and prints a table, or JSON; `--check` makes a missed target an exit code. */
async function bench({ json, check, only }: Options): Promise<number> {
  const signal = AbortSignal.timeout(10 * 60_000)
  const say = (text: string) => void (json || process.stderr.write(`${text}\n`))
  const load = loadavg()[0]!
  const directory = makeDirectory()
  await writeRandomModel(halfPath)
  const models = { [names.half]: halfPath }
  const stage = await openStage({ env: process.env, signal, port: 0, deposit: '1000', say, models })
  const lines: Line[] = []
  try {
    const isWanted = (part: string) => only === undefined || only.split(',').includes(part)
    if (isWanted('transport')) lines.push(...(await measureTransport(stage, directory.path)))
    if (isWanted('answers')) lines.push(...(await measureAnswers(stage, await directEndpoint(stage), names)))
    if (isWanted('start')) lines.push(...(await measureStart(stage, directory.path)))
    if (isWanted('gateway')) lines.push(...(await measureGateway(directory.path('gateway'), signal)))
  } finally {
    await stage.stop()
    directory.remove()
  }
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version, load }
  const at = `${machine.cores} cores of ${machine.processor}, Node ${machine.node}, load ${load.toFixed(1)}`
  process.stdout.write(json ? `${JSON.stringify({ v: 1, machine, lines })}\n` : `${at}\n\n${table(lines)}\n`)
  return check && lines.some(({ isMet }) => isMet === false) ? 1 : 0
}

/** The provider's own endpoint: the same model in the same process, with nobody between and nothing paid. */
async function directEndpoint({ as }: Stage): Promise<Endpoint> {
  const { secret } = (await as.provider('key', ['key', 'new', 'bench'])) as { secret: string }
  const { url } = (await as.provider('status', ['status'])) as { url: string }
  return { baseUrl: `${url}/v1`, apiKey: secret }
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})
process.exitCode = await bench(values)
