/** Why a stream broke, under the codes a socket would use: `node:http` and `undici` know them. */
export class BrokenStreamError extends Error {
  readonly code: 'ECONNRESET' | 'EPIPE' | 'ETIMEDOUT'

  constructor(code: BrokenStreamError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BrokenStreamError'
    this.code = code
  }
}
