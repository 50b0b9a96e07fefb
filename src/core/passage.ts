/** A request for what a server keeps under ids of its own: files, fine-tuning jobs. */
export interface PassageRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the server's base path, query included: `/files?purpose=batch`. */
  readonly path: string
  /** `content-type` and `content-length`, where the app sent them. */
  readonly headers: Readonly<Record<string, string>>
  /** Read as the server takes it; absent for a request without a body. */
  readonly body?: AsyncIterable<Uint8Array>
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
