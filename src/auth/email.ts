import { ParleyError } from '../core/index.ts'

const maxLength = 254
const form = /^[^\s@<>()[\]\\,;:"\p{Cc}]{1,64}@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/iu

/** An address in lower case. Throws `invalid_request` for what is none. */
export function emailOf(text: string): string {
  const email = text.trim().toLowerCase()
  if (email.length <= maxLength && form.test(email)) return email
  throw new ParleyError('invalid_request', 'this is no e-mail address; it looks like name@example.com', {
    param: 'email',
  })
}

const nameMaxLength = 100

export function nameOf(text: string): string {
  const name = text.trim()
  if (name.length >= 1 && name.length <= nameMaxLength && !/\p{Cc}/u.test(name)) return name
  const message = `a name has 1 to ${nameMaxLength} characters on one line; give another`
  throw new ParleyError('invalid_request', message, { param: 'name' })
}
