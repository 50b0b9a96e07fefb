import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../client/api.ts'
import { Code } from '../../parts/copy.tsx'
import { Field, Input } from '../../parts/field.tsx'
import { Sheet } from './frame.tsx'
import { useEnter, useWork } from './work.ts'

/** In as whoever runs the node, by a code that is shown there. */
export function Machine({ notice, others }: { notice?: ReactNode; others: ReactNode }) {
  const { t } = useTranslation()
  const { isBusy, error, run } = useWork()
  const goIn = useEnter()
  const [code, setCode] = useState('')
  const redeem = () =>
    run(async () => await goIn(await api('POST /auth/link/redeem', { body: { code: code.trim(), cookie: true } })))
  return (
    <Sheet
      title={t('signIn.machine')}
      about={t('signIn.machineAbout')}
      notice={notice}
      action={t('signIn.enter')}
      {...{ isBusy, error, others }}
      onSubmit={() => void redeem()}
    >
      <Code text="parley open" />
      <Field label={t('signIn.machineCode')} hint={t('signIn.machineHint')}>
        <Input
          name="code"
          required
          autoFocus
          autoComplete="one-time-code"
          autoCapitalize="characters"
          placeholder="XXXX-XXXX"
          maxLength={32}
          className="h-12 text-center font-mono text-xl tracking-widest uppercase placeholder:text-muted-foreground/60"
          value={code}
          onChange={event => setCode(event.target.value)}
        />
      </Field>
    </Sheet>
  )
}
