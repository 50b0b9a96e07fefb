import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { temporaryHome } from './home.ts'

function rulesOf(text: string) {
  const { env } = temporaryHome({ 'config.toml': `[routing]\n${text}` })
  return loadConfig({ env }).config.routing.rules
}

test('rules are read in their order; one without a condition is for every call', () => {
  const text = `
    [[routing.rules]]
    when = { models = ["gpt-*"], keys = ["mobile"], tasks = ["chat"], minBytes = 1, maxBytes = 1, needs = ["vision"] }
    use = { policy = "cheapest", only = ["vllm"] }
    [[routing.rules]]
    use = { model = "m" }`
  expect(rulesOf(text)).toEqual([
    {
      when: { models: ['gpt-*'], keys: ['mobile'], tasks: ['chat'], minBytes: 1, maxBytes: 1, needs: ['vision'] },
      use: { policy: 'cheapest', only: ['vllm'] },
    },
    { when: {}, use: { model: 'm' } },
  ])
})

test.each([
  ['when = {}', 'routing.rules[0].use'],
  ['use = {}', 'is empty'],
  ['use = { model = "m" }\nwhen = { minBytes = 2, maxBytes = 1 }', 'is less than minBytes'],
  ['use = { model = "m" }\nwhen = { model = "x" }', 'model'],
  ['use = { policy = "best" }', 'policy'],
  ['use = { only = [] }', 'only'],
  ['use = { model = "m" }\nwhen = { tasks = ["chats"] }', 'tasks'],
])('%s is refused', (rule, why) => {
  expect(() => rulesOf(`[[routing.rules]]\n${rule}`)).toThrow(why)
})
