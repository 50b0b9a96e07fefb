/**
 * Keeps secrets unreadable in the database. What is sealed for one purpose does not open for another, so that no row can
 * be given the secret of a different one.
 */
export interface Sealer {
  /** Names the master key in the sealed texts; says nothing of what it is. */
  readonly keyId: string
  readonly seal: (secret: string, purpose: SealPurpose) => string
  /** A text that was changed, sealed by another key or for another purpose is `secret_unreadable`. */
  readonly open: (sealed: string, purpose: SealPurpose) => string
}

/** Which column of which row. */
export type SealPurpose = `provider:${string}` | `totp:${string}` | 'canary'
