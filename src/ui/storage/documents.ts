/** Conversations, in the one shape they have everywhere: in the browser, in files, in the database of a node. Times are Unix milliseconds. */
export interface Chat {
  /** A UUID. */
  readonly id: string
  readonly title: string
  readonly folderId: string | null
  readonly isPinned: boolean
  readonly model: string | null
  readonly systemPrompt: string
  readonly parameters: Parameters
  /** The last message of the branch that is shown. */
  readonly headId: string | null
  readonly createdAt: number
  /** Of two versions the later one counts. */
  readonly updatedAt: number
  /** A deleted chat has lost its words; that it was deleted is kept, so that other devices hear of it. */
  readonly deletedAt: number | null
}

export interface Parameters {
  readonly temperature?: number
  readonly topP?: number
  readonly maxTokens?: number
}

/** One message of a tree: what is edited or answered anew is a sibling. It does not change once it is `done`. */
export interface Message {
  readonly id: string
  readonly chatId: string
  readonly parentId: string | null
  readonly role: 'user' | 'assistant'
  readonly text: string
  readonly reasoning?: string
  readonly attachments?: readonly Attachment[]
  readonly toolCalls?: readonly ToolCall[]
  readonly model?: string
  readonly state: 'done' | 'stopped' | 'failed' | 'cut'
  readonly error?: { readonly code: string; readonly message: string }
  readonly usage?: Usage
  readonly facts?: MessageFacts
  readonly createdAt: number
  readonly updatedAt: number
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

export interface Usage {
  readonly prompt: number
  readonly completion: number
  readonly cached?: number
}

/** How an answer came about. */
export interface MessageFacts {
  readonly requestId?: string
  readonly provider?: string
  readonly servedModel?: string
  readonly ttftMs?: number
  readonly totalMs?: number
  readonly tokensPerSecond?: number
  /** A decimal string. */
  readonly cost?: string
  readonly currency?: string
  readonly notices?: readonly { readonly text: string }[]
}

export interface Attachment {
  readonly id: string
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
  readonly kind: 'image' | 'text' | 'audio'
  readonly text?: string
  readonly dataUrl?: string
}

export interface Folder {
  readonly id: string
  readonly name: string
  readonly systemPrompt: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly deletedAt: number | null
}
