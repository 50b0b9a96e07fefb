/** What points an app at this node; the same texts as `parley connect` prints. */

export interface ConnectFacts {
  /** `/v1` included. */
  readonly baseUrl: string
  readonly apiKey: string
  readonly model: string
}

export type SnippetTitle = 'shell' | 'fromShell' | 'javascript' | 'python' | 'pip' | 'container' | 'panel'

export interface Snippet {
  readonly title: SnippetTitle
  readonly text: string
}

export interface ConnectApp {
  /** As `parley connect` calls it. */
  readonly name: string
  readonly title: string
  readonly snippets: (facts: ConnectFacts) => readonly Snippet[]
}

/** What stands where a key would, while none was made. */
export const keyPlaceholder = 'sk-parley-your-key'

const question = 'What is the capital of France?'
const isPlain = (text: string) => /^[\w./:@%+,=-]+$/.test(text)
/** One word of a POSIX shell, whatever is in it. */
const word = (text: string) => (isPlain(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`)
const exported = (variables: Readonly<Record<string, string>>) =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}=${word(value)}`)
    .join('\n')

const shellOf = ({ baseUrl, apiKey }: ConnectFacts): Snippet => ({
  title: 'shell',
  text: exported({ OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: apiKey }),
})

export const connectApps: readonly ConnectApp[] = [
  {
    name: 'openai-python',
    title: 'OpenAI SDK (Python)',
    snippets: facts => [
      shellOf(facts),
      {
        title: 'python',
        text: [
          'from openai import OpenAI',
          '',
          'client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY',
          'completion = client.chat.completions.create(',
          `    model=${JSON.stringify(facts.model)},`,
          `    messages=[{"role": "user", "content": ${JSON.stringify(question)}}],`,
          ')',
          'print(completion.choices[0].message.content)',
        ].join('\n'),
      },
    ],
  },
  {
    name: 'openai-node',
    title: 'OpenAI SDK (Node.js)',
    snippets: facts => [
      shellOf(facts),
      {
        title: 'javascript',
        text: [
          "import OpenAI from 'openai'",
          '',
          'const client = new OpenAI() // reads OPENAI_BASE_URL and OPENAI_API_KEY',
          'const completion = await client.chat.completions.create({',
          `  model: ${JSON.stringify(facts.model)},`,
          `  messages: [{ role: 'user', content: ${JSON.stringify(question)} }],`,
          '})',
          'console.log(completion.choices[0].message.content)',
        ].join('\n'),
      },
    ],
  },
  {
    name: 'curl',
    title: 'curl',
    snippets: ({ baseUrl, apiKey, model }) => [
      {
        title: 'shell',
        text: [
          exported({ OPENAI_API_KEY: apiKey }),
          `curl -sS ${word(`${baseUrl}/chat/completions`)} \\`,
          '  -H "authorization: Bearer $OPENAI_API_KEY" \\',
          "  -H 'content-type: application/json' \\",
          `  -d ${word(JSON.stringify({ model, messages: [{ role: 'user', content: question }] }))}`,
        ].join('\n'),
      },
    ],
  },
  {
    name: 'open-webui',
    title: 'Open WebUI',
    snippets: ({ baseUrl, apiKey, model }) => {
      const variables = { OPENAI_API_BASE_URL: baseUrl, OPENAI_API_KEY: apiKey, DEFAULT_MODELS: model }
      const flags = Object.entries(variables).map(([name, value]) => `-e ${name}=${word(value)}`)
      return [
        { title: 'pip', text: `${exported(variables)}\nopen-webui serve` },
        {
          title: 'container',
          text: `docker run -d --name open-webui --network host ${flags.join(' ')} -v open-webui:/app/backend/data ghcr.io/open-webui/open-webui:main`,
        },
        { title: 'panel', text: `URL: ${baseUrl}\nKey: ${apiKey}` },
      ]
    },
  },
  {
    name: 'langchain',
    title: 'LangChain (Python)',
    snippets: facts => [
      shellOf(facts),
      {
        title: 'python',
        text: [
          'from langchain_openai import ChatOpenAI',
          '',
          'model = ChatOpenAI(',
          `    model=${JSON.stringify(facts.model)},`,
          `    base_url=${JSON.stringify(facts.baseUrl)},`,
          '    stream_usage=True,',
          ')',
          `print(model.invoke(${JSON.stringify(question)}).content)`,
        ].join('\n'),
      },
    ],
  },
  {
    name: 'aider',
    title: 'Aider',
    snippets: ({ baseUrl, apiKey, model }) => [
      {
        title: 'fromShell',
        text: `${exported({ OPENAI_API_BASE: baseUrl, OPENAI_API_KEY: apiKey })}\naider --model ${word(`openai/${model}`)}`,
      },
    ],
  },
]
