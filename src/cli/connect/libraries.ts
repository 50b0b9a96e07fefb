import type { App, Facts, Settings } from './app.ts'
import { exports, literal, shellWord } from './quote.ts'

/** Libraries take the key from the environment: no code holds it. */
function library(facts: Facts, language: string, lines: readonly string[], install: string): Settings {
  const variables = { OPENAI_BASE_URL: facts.baseUrl, OPENAI_API_KEY: facts.apiKey }
  return {
    inline: [
      { title: 'in the shell', text: exports(variables) },
      { title: language, text: lines.join('\n') },
    ],
    files: [],
    next: [],
    notes: [`Install it with ${install}`],
  }
}

const question = 'What is the capital of France?'

export const openAiNode: App = {
  name: 'openai-node',
  title: 'OpenAI SDK for Node.js',
  what: 'library',
  takes: 'environment',
  settings: facts =>
    library(
      facts,
      'JavaScript',
      [
        "import OpenAI from 'openai'",
        '',
        'const client = new OpenAI() // reads OPENAI_BASE_URL and OPENAI_API_KEY',
        'const completion = await client.chat.completions.create({',
        `  model: ${literal(facts.model.id)},`,
        `  messages: [{ role: 'user', content: ${literal(question)} }],`,
        '})',
        'console.log(completion.choices[0].message.content)',
      ],
      'npm install openai',
    ),
}

export const openAiPython: App = {
  name: 'openai-python',
  title: 'OpenAI SDK for Python',
  what: 'library',
  takes: 'environment',
  settings: facts =>
    library(
      facts,
      'Python',
      [
        'from openai import OpenAI',
        '',
        'client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY',
        'completion = client.chat.completions.create(',
        `    model=${literal(facts.model.id)},`,
        `    messages=[{"role": "user", "content": ${literal(question)}}],`,
        ')',
        'print(completion.choices[0].message.content)',
      ],
      'pip install openai',
    ),
}

export const langChain: App = {
  name: 'langchain',
  title: 'LangChain for Python',
  what: 'library',
  takes: 'environment and code',
  settings: facts =>
    library(
      facts,
      'Python',
      [
        'from langchain_openai import ChatOpenAI',
        '',
        'model = ChatOpenAI(',
        `    model=${literal(facts.model.id)},`,
        `    base_url=${literal(facts.baseUrl)},`,
        '    stream_usage=True,',
        ')',
        `print(model.invoke(${literal(question)}).content)`,
      ],
      'pip install langchain-openai',
    ),
}

export const langChainJs: App = {
  name: 'langchain-js',
  title: 'LangChain for JavaScript',
  what: 'library',
  takes: 'environment and code',
  settings: facts =>
    library(
      facts,
      'JavaScript',
      [
        "import { ChatOpenAI } from '@langchain/openai'",
        '',
        'const model = new ChatOpenAI({',
        `  model: ${literal(facts.model.id)},`,
        `  configuration: { baseURL: ${literal(facts.baseUrl)} },`,
        '})',
        `console.log((await model.invoke(${literal(question)})).content)`,
      ],
      'npm install @langchain/openai @langchain/core',
    ),
}

export const llamaIndex: App = {
  name: 'llamaindex',
  title: 'LlamaIndex',
  what: 'library',
  takes: 'environment and code',
  settings: facts =>
    library(
      facts,
      'Python',
      [
        'import os',
        'from llama_index.llms.openai_like import OpenAILike',
        '',
        'llm = OpenAILike(',
        `    model=${literal(facts.model.id)},`,
        `    api_base=${literal(facts.baseUrl)},`,
        '    api_key=os.environ["OPENAI_API_KEY"],',
        ...(facts.model.contextTokens === undefined ? [] : [`    context_window=${facts.model.contextTokens},`]),
        '    is_chat_model=True,',
        `    is_function_calling_model=${facts.model.canUseTools ? 'True' : 'False'},`,
        ')',
        `print(llm.complete(${literal(question)}))`,
      ],
      'pip install llama-index-llms-openai-like',
    ),
}

export const curl: App = {
  name: 'curl',
  title: 'curl',
  what: 'a request by hand',
  takes: 'environment',
  settings: ({ baseUrl, apiKey, model }) => {
    const body = JSON.stringify({ model: model.id, messages: [{ role: 'user', content: question }] })
    return {
      inline: [
        {
          title: 'in the shell',
          text: [
            exports({ OPENAI_API_KEY: apiKey }),
            `curl -sS ${shellWord(`${baseUrl}/chat/completions`)} \\`,
            '  -H "authorization: Bearer $OPENAI_API_KEY" \\',
            "  -H 'content-type: application/json' \\",
            `  -d ${shellWord(body)}`,
          ].join('\n'),
        },
      ],
      files: [],
      next: [],
      notes: [],
    }
  },
}
