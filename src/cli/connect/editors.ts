import { join } from 'node:path'
import { type App, type Facts, keyVariable, type ModelFacts, type Tree } from './app.ts'
import { exports, shellWord } from './quote.ts'

/** What is assumed of a model nobody knows the context of. */
const usualContextTokens = 8_192

/** Settings of the editor itself; it takes the key from the environment or its own dialogue, never from the file. */
export const zed: App = {
  name: 'zed',
  title: 'Zed',
  what: 'editor',
  takes: 'settings.json',
  settings: ({ baseUrl, apiKey, models, places }) => ({
    inline: [],
    files: [
      {
        path: join(places.config, 'zed', 'settings.json'),
        format: 'json',
        holdsKey: false,
        merge: {
          language_models: {
            openai_compatible: { Parley: { api_url: baseUrl, available_models: models.map(zedModel) } },
          },
        },
      },
    ],
    next: [
      {
        title: 'give Zed the key: in Agent Settings, LLM Providers, Parley; or start it from a shell with',
        text: `${exports({ [keyVariable]: apiKey })}\nzed`,
      },
    ],
    notes: [],
  }),
}

function zedModel({ id, contextTokens, maxOutputTokens, canUseTools }: ModelFacts): Tree {
  return {
    name: id,
    display_name: id,
    max_tokens: contextTokens ?? usualContextTokens,
    ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    capabilities: { tools: canUseTools, images: false, parallel_tool_calls: false, prompt_cache_key: false },
  }
}

/** A file of its own beside `config.yaml`: Continue reads every block in that directory. */
export const continueDev: App = {
  name: 'continue',
  title: 'Continue',
  what: 'extension for VS Code and JetBrains',
  takes: '~/.continue/models/parley.yaml',
  settings: facts => ({
    inline: [],
    files: [
      {
        path: join(facts.places.home, '.continue', 'models', 'parley.yaml'),
        format: 'yaml',
        holdsKey: false,
        merge: { name: 'Parley', version: '1.0.0', schema: 'v1', models: facts.models.map(continueModel(facts)) },
      },
      {
        path: join(facts.places.home, '.continue', '.env'),
        format: 'env',
        holdsKey: true,
        merge: { [keyVariable]: facts.apiKey },
      },
    ],
    next: [],
    notes: ['Continue reads keys from its .env file only, not from the environment of the editor.'],
  }),
}

const continueModel =
  ({ baseUrl }: Facts) =>
  ({ id, contextTokens, maxOutputTokens, canUseTools }: ModelFacts): Tree => ({
    name: `Parley ${id}`,
    provider: 'openai',
    model: id,
    apiBase: baseUrl,
    apiKey: `\${{ secrets.${keyVariable} }}`,
    roles: ['chat', 'edit', 'apply'],
    ...(canUseTools && { capabilities: ['tool_use'] }),
    defaultCompletionOptions: {
      contextLength: contextTokens ?? usualContextTokens,
      ...(maxOutputTokens !== undefined && { maxTokens: maxOutputTokens }),
    },
  })

/** The extension keeps its settings in the editor, out of reach of files. */
export const cline: App = {
  name: 'cline',
  title: 'Cline',
  what: 'extension for VS Code, and a command',
  takes: 'its settings panel, or cline auth',
  settings: ({ baseUrl, apiKey, model }) => ({
    inline: [
      {
        title: 'in the editor: Settings, API Configuration',
        text: [
          'API Provider:        OpenAI Compatible',
          `Base URL:            ${baseUrl}`,
          `API Key:             ${apiKey}`,
          `Model ID:            ${model.id}`,
          `Context Window Size: ${model.contextTokens ?? usualContextTokens}`,
        ].join('\n'),
      },
      {
        title: 'on the command line',
        text: `cline auth -p openai -b ${shellWord(baseUrl)} -k ${shellWord(apiKey)} -m ${shellWord(model.id)}`,
      },
    ],
    files: [],
    next: [],
    notes: ['Cline needs a model with at least 32,000 tokens of context that can use tools.'],
  }),
}
