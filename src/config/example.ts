import { stringify } from 'smol-toml'
import { type ConfigKey, configSections } from './keys.ts'

/** A configuration file with every key at its default, commented out, and what it is for. */
export function exampleConfig(): string {
  const blocks = configSections.map(({ path, description, keys }) => {
    const [only] = keys
    if (keys.length === 1 && only?.path === path) return [comment(description), ...exampleOf(only)].join('\n')
    const inOrder = [...keys].sort((a, b) => Number(a.kind === 'json') - Number(b.kind === 'json'))
    const lines = inOrder.flatMap(key => [comment(key.description), ...exampleOf(key), ''])
    return [comment(description), `[${path}]`, '', ...lines].join('\n').trimEnd()
  })
  return `${header}\n\n${blocks.join('\n\n')}\n`
}

const header = `# Configuration of a Parley node. Every line that is commented out shows the default.
# Where it goes: \`parley config show --origin\` names the file. Amounts are in whole tokens, in quotes.`

function comment(text: string): string {
  return `# ${text}`
}

function exampleOf({ path, kind, fallback, isSecret, variable }: ConfigKey): readonly string[] {
  const name = path.split('.').at(-1)!
  if (isSecret) return [`# (secret: not in this file, but in ${variable} or in the file that ${name}File names)`]
  if (kind === 'json') return tables[path] ?? [`# ${name} = ${inline(fallback)}`]
  if (fallback === undefined) return [`# ${name} = ${inline(examples[path])}  # an example`]
  return [`# ${name} = ${inline(fallback)}`]
}

/** A value as TOML writes it after an equals sign. */
export function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  return typeof value === 'object'
    ? JSON.stringify(value)
    : stringify({ value })
        .replace(/^value = /, '')
        .trim()
}

const examples: Readonly<Record<string, unknown>> = {
  'chain.id': 84_532,
  'chain.deployment': 'deployments/84532.json',
  'chain.registry': '0x0000000000000000000000000000000000000001',
  'chain.escrow': '0x0000000000000000000000000000000000000002',
  'chain.token': '0x0000000000000000000000000000000000000003',
  'wallet.passwordFile': '/run/secrets/parley-password',
  'wallet.privateKeyFile': '/run/secrets/parley-key',
  'models.directory': '/var/lib/parley/models',
  'store.urlFile': '/run/secrets/parley-postgres',
  'store.masterKeyFile': '/run/secrets/parley-master-key',
  'redis.urlFile': '/run/secrets/parley-redis',
  'log.file': '/var/log/parley/parley.jsonl',
  'telemetry.metricsTokenFile': '/run/secrets/parley-metrics',
  'telemetry.otlpUrl': 'http://127.0.0.1:4318/v1/traces',
  'telemetry.otlpTokenFile': '/run/secrets/parley-otlp',
  'alerts.webhookUrl': 'https://alerts.example.com/parley',
  'alerts.webhookSecretFile': '/run/secrets/parley-webhook',
  'management.signUp.budget': '5',
  'management.signUp.tpm': 100_000,
  'mail.host': 'smtp.example.com',
  'mail.user': 'parley@example.com',
  'mail.passwordFile': '/run/secrets/parley-mail',
  'mail.caFile': '/etc/ssl/mail.pem',
}

const tables: Readonly<Record<string, readonly string[]>> = {
  'models.local': [
    '# [[models.local]]',
    '# id = "qwen3-0.6b"',
    '# path = "Qwen3-0.6B-Q8_0.gguf"',
    '# contextTokens = 8192',
    '# parallel = 4',
    '# threads = 4',
  ],
  upstreams: [
    '# [[upstreams]]',
    '# name = "vllm"',
    '# kind = "openai"',
    '# url = "http://127.0.0.1:8000/v1"',
    '# keyEnv = "VLLM_API_KEY"',
    '# models = ["qwen3-8b"]',
    '# prices = [{ in = "0.10", out = "0.40" }]',
  ],
  endpoints: [
    '# [[endpoints]]',
    '# name = "fast"',
    '# targets = [{ provider = "vllm", model = "qwen3-8b", weight = 3 }, { model = "qwen3-0.6b", priority = 2 }]',
  ],
  'routing.rules': [
    '# [[routing.rules]]',
    '# when = { models = ["gpt-*"], keys = ["mobile"], needs = ["vision"], maxBytes = 20000 }',
    '# use = { policy = "cheapest", only = ["vllm"] }',
  ],
  'alerts.rules': [
    '# [[alerts.rules]]',
    '# metric = "error_rate"',
    '# threshold = 10',
    '# clear = 5',
    '# windowSeconds = 300',
  ],
  'provider.modelPrices': [
    '# [provider.modelPrices."qwen3-8b"]',
    '# in = "0.10"',
    '# out = "0.40"',
    '# [provider.modelPrices."gpt-image-1"]',
    '# unit = "images" # 0.04 for each',
    '# out = "40000"',
    '# [provider.modelPrices."whisper-1"]',
    '# unit = "seconds" # 0.006 a minute',
    '# in = "100"',
  ],
}
