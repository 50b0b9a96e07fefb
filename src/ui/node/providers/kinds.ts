/** A service as somebody looks for it: what is known of it already. */
export interface ServiceKind {
  readonly id: string
  readonly title: string
  /** As the API calls what it speaks. */
  readonly provider: string
  readonly url?: string
  readonly key: 'needed' | 'optional'
  /** What has to be said of it beside its key. */
  readonly asks: 'url' | 'region' | 'resource' | 'nothing'
  /** It has no list to ask for. */
  readonly isUnlisted?: boolean
}

export const serviceKinds: readonly ServiceKind[] = [
  { id: 'openai', title: 'OpenAI', provider: 'openai', url: 'https://api.openai.com/v1', key: 'needed', asks: 'url' },
  { id: 'anthropic', title: 'Anthropic', provider: 'anthropic', key: 'needed', asks: 'nothing' },
  { id: 'google', title: 'Google Gemini', provider: 'google', key: 'needed', asks: 'nothing' },
  {
    id: 'openrouter',
    title: 'OpenRouter',
    provider: 'openai',
    url: 'https://openrouter.ai/api/v1',
    key: 'needed',
    asks: 'url',
  },
  { id: 'mistral', title: 'Mistral', provider: 'mistral', key: 'needed', asks: 'nothing' },
  { id: 'cohere', title: 'Cohere', provider: 'cohere', key: 'needed', asks: 'nothing' },
  { id: 'azure', title: 'Azure OpenAI', provider: 'azure', key: 'needed', asks: 'resource', isUnlisted: true },
  { id: 'bedrock', title: 'Amazon Bedrock', provider: 'bedrock', key: 'optional', asks: 'region', isUnlisted: true },
  { id: 'ollama', title: 'Ollama', provider: 'openai', url: 'http://127.0.0.1:11434/v1', key: 'optional', asks: 'url' },
  { id: 'vllm', title: 'vLLM', provider: 'openai', url: 'http://127.0.0.1:8000/v1', key: 'optional', asks: 'url' },
  {
    id: 'llama-server',
    title: 'llama.cpp',
    provider: 'openai',
    url: 'http://127.0.0.1:8080/v1',
    key: 'optional',
    asks: 'url',
  },
  { id: 'custom', title: 'OpenAI-compatible', provider: 'openai', key: 'optional', asks: 'url' },
]

/** What a provider that is there already speaks. */
export function kindOf(provider: string): ServiceKind {
  const own = serviceKinds.find(kind => kind.provider === provider && kind.provider !== 'openai')
  return own ?? { id: 'custom', title: provider, provider, key: 'optional', asks: 'url' }
}
