import { join } from 'node:path'
import { type App, type Facts, type FileEdit, keyVariable, type ModelFacts, type Tree } from './app.ts'
import { exports, literal, shellWord } from './quote.ts'

export const aider: App = {
  name: 'aider',
  title: 'Aider',
  what: 'coding agent in the terminal',
  takes: 'environment, or .env of the project',
  settings: ({ baseUrl, apiKey, model, places }) => ({
    inline: [
      {
        title: 'from the shell',
        text: `${exports({ OPENAI_API_BASE: baseUrl, OPENAI_API_KEY: apiKey })}\naider --model ${shellWord(`openai/${model.id}`)}`,
      },
    ],
    files: [
      {
        path: join(places.current, '.env'),
        format: 'env',
        holdsKey: true,
        merge: {
          AIDER_OPENAI_API_BASE: baseUrl,
          AIDER_OPENAI_API_KEY: apiKey,
          AIDER_MODEL: `openai/${model.id}`,
        },
      },
      ...aiderMetadata(model, places.home),
    ],
    next: [{ title: 'then, in this directory', text: 'aider' }],
    notes: ['The .env file is for this directory; keep it out of version control.'],
  }),
}

/** Without it Aider does not know how much fits the model, and says so at every start. */
function aiderMetadata({ id, contextTokens, maxOutputTokens }: ModelFacts, home: string): FileEdit[] {
  if (contextTokens === undefined) return []
  const merge: Tree = {
    [`openai/${id}`]: {
      max_input_tokens: contextTokens,
      max_output_tokens: maxOutputTokens ?? answerTokens(contextTokens),
      litellm_provider: 'openai',
      mode: 'chat',
    },
  }
  return [{ path: join(home, '.aider.model.metadata.json'), format: 'json', holdsKey: false, merge }]
}

/** Room for the answer where nobody named a limit: a quarter of the context. */
function answerTokens(contextTokens: number): number {
  return Math.max(1, Math.floor(contextTokens / 4))
}

export const opencode: App = {
  name: 'opencode',
  title: 'opencode',
  what: 'coding agent in the terminal',
  takes: 'environment, or opencode.json',
  settings: facts => {
    const { apiKey, model, places } = facts
    const merge = { provider: { parley: opencodeProvider(facts) } }
    const start = `opencode -m ${shellWord(`parley/${model.id}`)}`
    const key = exports({ [keyVariable]: apiKey })
    return {
      inline: [
        {
          title: 'from the shell',
          text: `${key}\n${exports({ OPENCODE_CONFIG_CONTENT: JSON.stringify(merge) })}\n${start}`,
        },
      ],
      files: [{ path: join(places.config, 'opencode', 'opencode.json'), format: 'json', holdsKey: false, merge }],
      next: [{ title: 'then', text: `${key}\n${start}` }],
      notes: ['opencode works best with a model of 64,000 tokens of context or more.'],
    }
  },
}

function opencodeProvider({ baseUrl, models }: Facts): Tree {
  return {
    npm: '@ai-sdk/openai-compatible',
    name: 'Parley',
    options: { baseURL: baseUrl, apiKey: `{env:${keyVariable}}` },
    models: Object.fromEntries(models.map(model => [model.id, opencodeModel(model)])),
  }
}

function opencodeModel({ id, contextTokens, maxOutputTokens, canUseTools }: ModelFacts): Tree {
  const known = { name: id, tool_call: canUseTools }
  if (contextTokens === undefined) return known
  return { ...known, limit: { context: contextTokens, output: maxOutputTokens ?? answerTokens(contextTokens) } }
}

/** It speaks the Responses API only. The provider is added; which one is the default stays as it was. */
export const codex: App = {
  name: 'codex',
  title: 'Codex CLI',
  what: 'coding agent in the terminal',
  takes: 'flags, or ~/.codex/config.toml',
  settings: ({ baseUrl, apiKey, model, places }) => {
    const provider = { name: 'Parley', base_url: baseUrl, env_key: keyVariable, wire_api: 'responses' }
    const key = exports({ [keyVariable]: apiKey })
    const flags = ['model_provider="parley"']
    if (model.contextTokens !== undefined) flags.push(`model_context_window=${model.contextTokens}`)
    const command = (more: readonly string[]) =>
      ['codex', '-m', shellWord(model.id), ...more.flatMap(flag => ['-c', shellWord(flag)])].join(' ')
    const table = Object.entries(provider).map(([name, value]) => `${name}=${literal(value)}`)
    return {
      inline: [
        {
          title: 'from the shell',
          text: `${key}\n${command([...flags, `model_providers.parley={${table.join(',')}}`])}`,
        },
      ],
      files: [
        {
          path: join(places.codex, 'config.toml'),
          format: 'toml',
          holdsKey: false,
          merge: { model_providers: { parley: provider } },
        },
      ],
      next: [{ title: 'then', text: `${key}\n${command(flags)}` }],
      notes: [],
    }
  },
}
