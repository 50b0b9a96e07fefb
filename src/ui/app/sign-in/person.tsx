import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field, Input } from '../../parts/field.tsx'
import { NewPassword } from './new-password.tsx'

export interface Person {
  readonly name: string
  readonly email: string
  readonly password: string
}

export function usePerson() {
  return useState<Person>({ name: '', email: '', password: '' })
}

/** What an account begins with. */
export function PersonFields({ person, onChange }: { person: Person; onChange: (person: Person) => void }) {
  const { t } = useTranslation()
  const put = (change: Partial<Person>) => onChange({ ...person, ...change })
  return (
    <>
      <Field label={t('signIn.name')}>
        <Input
          name="name"
          autoComplete="name"
          required
          maxLength={100}
          className="h-11"
          value={person.name}
          onChange={event => put({ name: event.target.value })}
        />
      </Field>
      <Field label={t('signIn.email')}>
        <Input
          type="email"
          name="email"
          autoComplete="username"
          required
          maxLength={254}
          className="h-11"
          value={person.email}
          onChange={event => put({ email: event.target.value })}
        />
      </Field>
      <NewPassword label={t('signIn.password')} value={person.password} onChange={password => put({ password })} />
    </>
  )
}
