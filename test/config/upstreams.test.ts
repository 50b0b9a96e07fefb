import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { temporaryHome } from './home.ts'

function load(entry: Record<string, unknown>) {
  const { env } = temporaryHome()
  return loadConfig({ env: { ...env, PARLEY_UPSTREAMS: JSON.stringify([{ name: 'far', ...entry }]) } }).config.upstreams
}

test.each([
  { kind: 'openai', url: 'http://127.0.0.1:9/v1' },
  { kind: 'anthropic', keyEnv: 'KEY' },
  { kind: 'google', keyFile: '/run/key' },
  { kind: 'cohere', url: 'http://proxy.internal/v2' },
  { kind: 'bedrock', region: 'eu-central-1', models: ['m'] },
  { kind: 'bedrock', region: 'us-gov-west-1', models: ['m'] },
  { kind: 'azure', resource: 'ours', keyEnv: 'KEY', models: ['m'] },
])('an upstream may be %j', entry => {
  expect(load(entry)).toMatchObject([entry])
})

test.each([
  [{}, 'upstreams[0].url is missing'],
  [{ kind: 'mistral' }, 'upstreams[0].keyEnv is missing: mistral wants a key, from keyEnv or keyFile'],
  [{ kind: 'bedrock', models: ['m'] }, 'upstreams[0].region is missing'],
  [{ kind: 'bedrock', region: 'Frankfurt', models: ['m'] }, 'upstreams[0].region is a region of AWS'],
  [{ kind: 'bedrock', region: 'eu-central-1' }, 'upstreams[0].models is empty: bedrock has no list'],
  [{ kind: 'azure', keyEnv: 'KEY', models: ['m'] }, 'upstreams[0].resource is missing'],
  [{ kind: 'azure', keyEnv: 'KEY', models: ['m'], resource: 'a.b/c#' }, 'upstreams[0].resource is the name of'],
  [{ kind: 'claude', keyEnv: 'KEY' }, 'upstreams[0].kind is none of "openai", "anthropic"'],
])('but not %j', (entry, message) => {
  expect(() => load(entry)).toThrow(message)
})

test('the examples of the documentation are configurations', () => {
  const text = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8')
  const files = [...text.matchAll(/```toml\n(.*?)```/gs)].map(([, toml]) => toml!)
  const kinds = files.flatMap(toml => {
    const { env } = temporaryHome({ 'config.toml': toml })
    return loadConfig({ env }).config.upstreams.map(({ kind }) => kind)
  })
  expect(new Set(kinds)).toEqual(new Set(['openai', 'anthropic', 'google', 'mistral', 'cohere', 'bedrock', 'azure']))
})
