/** A request for what a server keeps under ids of its own: files, fine-tuning jobs. */
export interface PassageRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the server's base path, query included: `/files?purpose=batch`. */
  readonly path: string
  /** `content-type` and `content-length`, where the app sent them. */
  readonly headers: Readonly<Record<string, string>>
  /** Read as the server takes it; absent for a request without a body. */
  readonly body?: AsyncIterable<Uint8Array>
  /** How long the head of the answer may take once the request was sent, and each wait for more of its body. */
  readonly headersMs: number
  readonly idleMs: number
  readonly signal: AbortSignal
}

export interface PassageAnswer {
  /** Below 300: everything else is thrown as a `ParleyError`. */
  readonly status: number
  readonly contentType: string
  /** Undefined when the server did not say. */
  readonly contentLength: string | undefined
  /** To be read to its end or left (`return()`), which closes the connection. */
  readonly body: AsyncIterable<Uint8Array>
}

/** The way to a server for requests that belong to it alone: relayed as they are, with the server's own key. */
export interface Passage {
  /** Name of the server. */
  readonly name: string
  request: (request: PassageRequest) => Promise<PassageAnswer>
}

/** Something that a server keeps for a caller of this node, under the server's own id. */
export interface KeptThing {
  readonly kind: 'file' | 'job'
  readonly provider: string
  readonly id: string
}

/**
 * Whose the things are that servers keep: they know this node alone, so that only the node can tell its callers apart. An
 * owner is a principal as events name it (`key:key-1f…`). What is in nobody's name belongs to the operator.
 */
export interface Ownership {
  /** Throws `too_large` when there is no room for another thing of this owner. Ask before it is made. */
  makeRoom: (owner: string) => void
  /** Survives a restart once it returns. */
  add: (owner: string, thing: KeptThing) => void
  /** Adds what a server made by itself for an owner, unless it is somebody's already. */
  adopt: (owner: string, thing: KeptThing) => void
  /** It is gone, for whomever it belonged to. */
  remove: (thing: KeptThing) => void
  /** Names of the servers that keep a thing of that id for this owner. */
  providersOf: (owner: string, kind: KeptThing['kind'], id: string) => readonly string[]
}
