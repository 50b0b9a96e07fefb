import { join } from 'node:path'
import { type App, keyVariable } from './app.ts'
import { exports, shellWord } from './quote.ts'

/** The address of this machine as a container of Docker Desktop sees it. */
function fromContainer(baseUrl: string): string {
  const url = new URL(baseUrl)
  url.hostname = 'host.docker.internal'
  return url.href
}

const containerNote = (baseUrl: string) =>
  `In a container of Docker Desktop the base URL is ${fromContainer(baseUrl)}, and the node must admit that name: ` +
  'parley up --http-allowed-hosts host.docker.internal'

export const openWebUi: App = {
  name: 'open-webui',
  title: 'Open WebUI',
  what: 'chat in the browser',
  takes: 'environment, or its admin panel',
  settings: ({ baseUrl, apiKey, model }) => {
    const variables = { OPENAI_API_BASE_URL: baseUrl, OPENAI_API_KEY: apiKey, DEFAULT_MODELS: model.id }
    const flags = Object.entries(variables).map(([name, value]) => `-e ${name}=${shellWord(value)}`)
    return {
      inline: [
        { title: 'installed with pip', text: `${exports(variables)}\nopen-webui serve` },
        {
          title: 'in a container, on Linux',
          text: `docker run -d --name open-webui --network host ${flags.join(' ')} -v open-webui:/app/backend/data ghcr.io/open-webui/open-webui:main`,
        },
        {
          title: 'one that runs already: Admin Panel, Settings, Connections, OpenAI API',
          text: `URL: ${baseUrl}\nKey: ${apiKey}`,
        },
      ],
      files: [],
      next: [],
      notes: [
        'It keeps its connections after the first start: later the variables are ignored.',
        containerNote(baseUrl),
      ],
    }
  },
}

/** Its two files lie where it was checked out. */
export const libreChat: App = {
  name: 'librechat',
  title: 'LibreChat',
  what: 'chat in the browser',
  takes: 'librechat.yaml and .env of its directory',
  settings: ({ baseUrl, apiKey, models, places }) => ({
    inline: [],
    files: [
      {
        path: join(places.current, 'librechat.yaml'),
        format: 'yaml',
        holdsKey: false,
        merge: {
          version: '1.2.1',
          endpoints: {
            custom: [
              {
                name: 'Parley',
                apiKey: `\${${keyVariable}}`,
                baseURL: baseUrl,
                models: { default: models.map(({ id }) => id), fetch: true },
                titleConvo: true,
                titleModel: 'current_model',
                modelDisplayLabel: 'Parley',
              },
            ],
          },
        },
      },
      { path: join(places.current, '.env'), format: 'env', holdsKey: true, merge: { [keyVariable]: apiKey } },
    ],
    next: [{ title: 'then start it again', text: 'docker compose restart api' }],
    notes: ['Run this in the directory of LibreChat.', containerNote(baseUrl)],
  }),
}
