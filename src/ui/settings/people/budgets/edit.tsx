import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Budget, useApi, useChange } from '../../../client/api.ts'
import { useMay } from '../../../client/session.ts'
import { Field, Input, Select, Switch } from '../../../parts/field.tsx'
import { FormDialog } from '../../../parts/form-dialog.tsx'

const scopes = ['key', 'project', 'user', 'node'] as const
const windows = ['hour', 'day', 'week', 'month', 'total'] as const
const limit = 200

type Form = Pick<Budget, 'scope' | 'scopeId' | 'amount' | 'window' | 'hard'>

export function NewBudget({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [form, setForm] = useState<Form>({ scope: 'key', scopeId: '', amount: '', window: 'month', hard: true })
  const put = (change: Partial<Form>) => setForm(before => ({ ...before, ...change }))
  const create = useChange('POST /budgets', ['/budgets', '/keys'])
  return (
    <FormDialog
      onClose={onClose}
      title={t('settings.budgets.new')}
      action={t('settings.budgets.new')}
      isReady={Number(form.amount) > 0 && (form.scope === 'node' || form.scopeId !== '')}
      isBusy={create.isPending}
      error={create.error}
      onSubmit={() =>
        create.mutate({ body: { ...form, amount: form.amount.replace(',', '.') } }, { onSuccess: onClose })
      }
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t('settings.budgets.scope')}>
          <Select
            value={form.scope}
            onChange={event => put({ scope: event.target.value as Form['scope'], scopeId: '' })}
          >
            {scopes.map(scope => (
              <option key={scope} value={scope}>
                {t(`settings.budgets.scopes.${scope}`)}
              </option>
            ))}
          </Select>
        </Field>
        <Which form={form} onChange={scopeId => put({ scopeId })} />
        <Amount value={form.amount} onChange={amount => put({ amount })} />
        <Field label={t('settings.budgets.window')}>
          <Select value={form.window} onChange={event => put({ window: event.target.value as Form['window'] })}>
            {windows.map(window => (
              <option key={window} value={window}>
                {t(`settings.budgets.windows.${window}`)}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <Hard value={form.hard} onChange={hard => put({ hard })} />
    </FormDialog>
  )
}

export function EditBudget({ budget, onClose }: { budget: Budget; onClose: () => void }) {
  const { t } = useTranslation()
  const [amount, setAmount] = useState(() => String(Number(budget.amount)))
  const [hard, setHard] = useState(budget.hard)
  const update = useChange('PUT /budgets/:id')
  const submit = () =>
    update.mutate(
      { params: { id: budget.id }, body: { amount: amount.replace(',', '.'), hard } },
      { onSuccess: onClose },
    )
  return (
    <FormDialog
      onClose={onClose}
      title={t('settings.budgets.edit')}
      action={t('common.save')}
      isReady={Number(amount.replace(',', '.')) > 0}
      isBusy={update.isPending}
      error={update.error}
      onSubmit={submit}
    >
      <Amount value={amount} onChange={setAmount} />
      <Hard value={hard} onChange={setHard} />
    </FormDialog>
  )
}

function Which({ form: { scope, scopeId }, onChange }: { form: Form; onChange: (scopeId: string) => void }) {
  const { t } = useTranslation()
  const mayManage = useMay('admin')
  const { data: keys } = useApi('GET /keys', { query: { limit, revoked: 'false' } }, { enabled: scope === 'key' })
  const { data: users } = useApi('GET /users', { query: { limit } }, { enabled: scope === 'user' && mayManage })
  if (scope === 'node') return <div />
  if (scope === 'project' || (scope === 'user' && !mayManage)) {
    return (
      <Field label={t('settings.budgets.which')}>
        <Input required value={scopeId} onChange={event => onChange(event.target.value)} />
      </Field>
    )
  }
  const choices = (scope === 'key' ? keys : users)?.data ?? []
  return (
    <Field label={t('settings.budgets.which')}>
      <Select required value={scopeId} onChange={event => onChange(event.target.value)}>
        <option value="" disabled>
          …
        </option>
        {choices.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </Select>
    </Field>
  )
}

function Amount({ value, onChange }: { value: string; onChange: (amount: string) => void }) {
  const { t } = useTranslation()
  return (
    <Field label={t('settings.budgets.amount')}>
      <Input inputMode="decimal" required value={value} onChange={event => onChange(event.target.value)} />
    </Field>
  )
}

function Hard({ value, onChange }: { value: boolean; onChange: (hard: boolean) => void }) {
  const { t } = useTranslation()
  return (
    <Switch
      label={t('settings.budgets.hard')}
      hint={t('settings.budgets.hardAbout')}
      checked={value}
      onChange={onChange}
    />
  )
}
