import { ParleyError, type ProviderDraft } from '../../core/index.ts'
import { createAddressCheck } from '../fetch-out.ts'

export interface AddressRule {
  /** Whether providers that are set up over the network may be on this machine or in its own network. */
  readonly allowPrivate: boolean
}

/** Refuses an address where nobody's provider is, and a key in two places. A name that is not known yet may be so later. */
export async function checkAddress({ allowPrivate }: AddressRule, { type, config }: ProviderDraft): Promise<void> {
  const { url } = config
  if ('keyEnv' in config) {
    throw new ParleyError('invalid_request', 'config.keyEnv cannot be set here; send key: "env:NAME"', {
      param: 'config.keyEnv',
    })
  }
  if (url === undefined && type !== 'web') return
  if (typeof url !== 'string' || !URL.canParse(url)) throw refusal('it is no URL; write https://…')
  const { username, password } = new URL(url)
  if (username !== '' || password !== '') throw refusal('it holds a user name or password; send the key as key')
  const fault = await createAddressCheck({ allowPrivate })(url).catch(() => undefined)
  if (fault === undefined) return
  const hint = allowPrivate ? '' : '; see management.allowPrivateUpstreams'
  throw refusal(fault + hint)
}

function refusal(why: string): ParleyError {
  return new ParleyError('invalid_request', `config.url cannot be used: ${why}`, { param: 'config.url' })
}
