/**
 * Why a stream broke, under the codes a socket would use. A reset is `ECONNABORTED`, not `ECONNRESET`: undici takes the latter
 * for the end of a body that is delimited by the end of its connection, and a cut answer must never look whole.
 */
export class BrokenStreamError extends Error {
  readonly code: 'ECONNABORTED' | 'EPIPE' | 'ETIMEDOUT'

  constructor(code: BrokenStreamError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BrokenStreamError'
    this.code = code
  }
}
