import type {
  ChatRequest,
  CompletionRequest,
  EmbeddingRequest,
  FormRequest,
  ImageRequest,
  ModerationRequest,
  RerankRequest,
  SpeechRequest,
  Usage,
} from '../openai/index.ts'
import type { SignedReceipt, Unit } from './money.ts'

/** Text, told token by token. */
export interface TokenTasks {
  chat: ChatRequest
  completion: CompletionRequest
  embedding: EmbeddingRequest
}

/** What is no text written word by word: relayed to servers that have it, prepaid where it is bought. */
export interface RelayedTasks {
  image: ImageRequest
  imageEdit: FormRequest
  imageVariation: FormRequest
  speech: SpeechRequest
  transcription: FormRequest
  translation: FormRequest
  moderation: ModerationRequest
  rerank: RerankRequest
}

/** What can be asked, and the shape of each request. */
export interface Tasks extends TokenTasks, RelayedTasks {}
export type Task = keyof Tasks

export const tasks = [
  'chat',
  'completion',
  'embedding',
  'image',
  'imageEdit',
  'imageVariation',
  'speech',
  'transcription',
  'translation',
  'moderation',
  'rerank',
] as const satisfies readonly Task[]

/** One question to a model. The body is what the app sent, unknown fields included; nobody changes it in place. */
export type Call<T extends Task = Task> = { [K in T]: { readonly task: K; readonly body: Readonly<Tasks[K]> } }[T]

export type TokenCall = Call<keyof TokenTasks>
export type RelayedCall = Call<keyof RelayedTasks>

const tokenTasks: Readonly<Record<keyof TokenTasks, true>> = { chat: true, completion: true, embedding: true }

export function isTokenCall(call: Call): call is TokenCall {
  return Object.hasOwn(tokenTasks, call.task)
}

/** On whose behalf a call runs: an API key of this node, a peer, or the node itself. */
export interface Principal {
  readonly kind: 'key' | 'user' | 'peer' | 'self'
  readonly id: string
}

/** How a principal is named where things are told apart by it: its kind and its public id, never a key. */
export function principalName({ kind, id }: Principal): string {
  return `${kind}:${id}`
}

/** What a service costs by its operator's own list, in millionths of a dollar. */
export interface DollarPrices {
  /** Per million tokens of the prompt and of the answer. */
  readonly in?: bigint
  readonly out?: bigint
  /** For each image made. */
  readonly image?: bigint
  /** For each minute of sound heard. */
  readonly minute?: bigint
  /** Per million characters spoken. */
  readonly characters?: bigint
}

/** Which way a call has taken so far. */
export interface Route {
  /** Name of the backend that answers, or was asked last. */
  readonly servedBy: string
  readonly model: string
  /** The name that its caller knows the model by, where that is another. */
  readonly shownModel?: string
  /** Whether that is one of the fallback models. */
  readonly isFallback: boolean
  /** How often backends were asked, this time included; 0 for an answer that was kept. */
  readonly attempts: number
  /** Set where nobody was asked: an equal call had been answered by `servedBy`. */
  readonly isCached?: true
  /** Set where an equal call that runs at the same time is the one that was asked, and is counted. */
  readonly isShared?: true
  /** Who was asked before it and was late, where it was asked beside another that still ran. */
  readonly overtook?: string
  /** How long the call has waited for backends, and between attempts. */
  readonly waitedMs: number
  /** Prices of who answers, in the smallest token units per million tokens; absent when free. */
  readonly priceIn?: bigint
  readonly priceOut?: bigint
  /** What this node's operator pays for it otherwise. */
  readonly dollars?: DollarPrices
}

/** What others took for an answer than who gave its end: those who broke off, and who was asked beside it and stopped. */
export interface Elsewhere {
  /** Their tokens, as far as the usage of the answer contains them. */
  readonly tokensIn: number
  readonly tokensOut: number
  /** Millionths of a dollar. */
  readonly dollars: bigint
}

/** What was answered beside tokens, where it could be counted: pictures, seconds of sound heard, characters spoken. */
export interface Units {
  readonly unit: Exclude<Unit, 'tokens'>
  /** Above 0; whole but for seconds. */
  readonly count: number
}

/** How a call went: the return value of a reply. */
export interface Outcome {
  readonly usage: Usage
  /** Name of the backend that answered. */
  readonly servedBy: string
  readonly finishReason?: string | null
  readonly units?: Units
  /** What it cost, in the smallest unit of the escrow's token; absent when it was free. */
  readonly cost?: bigint
  readonly receipt?: SignedReceipt
  readonly route?: Route
  readonly elsewhere?: Elsewhere
}
