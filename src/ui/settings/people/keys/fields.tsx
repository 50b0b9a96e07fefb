import { useTranslation } from 'react-i18next'
import { useApi } from '../../../client/api.ts'
import { useMay } from '../../../client/session.ts'
import { Field, Input, Select, Switch, Tick } from '../../../parts/field.tsx'
import { dollars } from '../../../parts/format.ts'
import { useToken } from './limits.ts'
import { TextFields } from './text-fields.tsx'
import type { KeyForm } from './wish.ts'

export interface FieldsProps {
  form: KeyForm
  onChange: (form: KeyForm) => void
}

/** What everybody sets of a key, and then what an operator does. */
export function KeyFields({ form, onChange }: FieldsProps) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const put = (change: Partial<KeyForm>) => onChange({ ...form, ...change })
  return (
    <>
      <Field label={t('settings.keys.name')} hint={t('settings.keys.nameHint')}>
        <Input
          required
          maxLength={100}
          autoFocus
          value={form.name}
          onChange={event => put({ name: event.target.value })}
        />
      </Field>
      <Models form={form} onChange={onChange} />
      <Expiry form={form} onChange={onChange} />
      {mayOperate && (
        <>
          <Owner form={form} onChange={onChange} />
          <Limits form={form} onChange={onChange} />
          <TextFields form={form} onChange={onChange} />
        </>
      )}
    </>
  )
}

function Models({ form, onChange }: FieldsProps) {
  const { t } = useTranslation()
  const { data } = useApi('GET /models')
  const put = (change: Partial<KeyForm>) => onChange({ ...form, ...change })
  const known = [...new Set([...(data?.data.map(({ id }) => id) ?? []), ...form.models])]
  const toggle = (id: string, isOn: boolean) =>
    put({ models: isOn ? [...form.models, id] : form.models.filter(other => other !== id) })
  return (
    <fieldset className="grid gap-3 rounded-md border p-3">
      <legend className="sr-only">{t('settings.keys.models')}</legend>
      <Switch
        label={t('settings.keys.onlyThese')}
        checked={form.hasModels}
        onChange={hasModels => put({ hasModels })}
      />
      {form.hasModels && (
        <>
          {known.length > 0 && (
            <div className="grid max-h-48 gap-2 overflow-y-auto">
              {known.map(id => (
                <Tick key={id} label={id} checked={form.models.includes(id)} onChange={isOn => toggle(id, isOn)} />
              ))}
            </div>
          )}
          <Field label={t('settings.keys.otherModels')}>
            <Input value={form.otherModels} onChange={event => put({ otherModels: event.target.value })} />
          </Field>
        </>
      )}
    </fieldset>
  )
}

const terms = [7, 30, 90, 365] as const

function Expiry({ form, onChange }: FieldsProps) {
  const { t } = useTranslation()
  const put = (change: Partial<KeyForm>) => onChange({ ...form, ...change })
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={t('settings.keys.expires')}>
        <Select value={form.expires} onChange={event => put({ expires: event.target.value })}>
          <option value="never">{t('settings.keys.expiresNever')}</option>
          {terms.map(count => (
            <option key={count} value={count}>
              {t('settings.keys.expiresIn', { count })}
            </option>
          ))}
          <option value="on">{t('settings.keys.expiresOn')}</option>
        </Select>
      </Field>
      {form.expires === 'on' && (
        <Field label={t('settings.keys.day')}>
          <Input type="date" required value={form.day} onChange={event => put({ day: event.target.value })} />
        </Field>
      )}
    </div>
  )
}

function Owner({ form, onChange }: FieldsProps) {
  const { t } = useTranslation()
  const mayManage = useMay('admin')
  const { data: users } = useApi('GET /users', { query: { limit: 200 } }, { enabled: mayManage })
  const put = (change: Partial<KeyForm>) => onChange({ ...form, ...change })
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={t('settings.keys.project')} hint={t('settings.keys.projectHint')}>
        <Input maxLength={100} value={form.project} onChange={event => put({ project: event.target.value })} />
      </Field>
      {mayManage && (
        <Field label={t('settings.keys.user')}>
          <Select value={form.userId} onChange={event => put({ userId: event.target.value })}>
            <option value="">{t('settings.keys.nobody')}</option>
            {users?.data.map(({ id, name, email }) => (
              <option key={id} value={id}>
                {`${name} (${email})`}
              </option>
            ))}
          </Select>
        </Field>
      )}
    </div>
  )
}

function Limits({ form, onChange }: FieldsProps) {
  const { t } = useTranslation()
  const token = useToken()
  const { data: budgets } = useApi('GET /budgets', { query: { limit: 200 } })
  const put = (change: Partial<KeyForm>) => onChange({ ...form, ...change })
  const whole = (name: 'rpm' | 'tpm' | 'parallel') => (
    <Field label={t(`settings.keys.${name}`)}>
      <Input
        type="number"
        inputMode="numeric"
        min={1}
        step={1}
        value={form[name]}
        onChange={event => put({ [name]: event.target.value })}
      />
    </Field>
  )
  const unit = token?.symbol ?? t('settings.keys.smallest')
  const amount = (name: 'maxPrice' | 'maxPerDay') => (
    <Field label={t(`settings.keys.${name}`, { unit })}>
      <Input inputMode="decimal" value={form[name]} onChange={event => put({ [name]: event.target.value })} />
    </Field>
  )
  return (
    <fieldset className="grid gap-3 rounded-md border p-3">
      <legend className="px-1 font-medium">{t('settings.keys.limits')}</legend>
      <p className="text-[0.8125rem] text-muted-foreground">{t('settings.keys.emptyLimits')}</p>
      <div className="grid items-end gap-3 sm:grid-cols-3">
        {whole('rpm')}
        {whole('tpm')}
        {whole('parallel')}
      </div>
      <div className="grid items-end gap-3 sm:grid-cols-2">
        {amount('maxPrice')}
        {amount('maxPerDay')}
      </div>
      <Field label={t('settings.keys.budget')}>
        <Select value={form.budgetId} onChange={event => put({ budgetId: event.target.value })}>
          <option value="">{t('settings.keys.noBudget')}</option>
          {budgets?.data.map(budget => (
            <option key={budget.id} value={budget.id}>
              {`${dollars(budget.amount)} ${t('settings.budgets.per', { window: t(`settings.budgets.windows.${budget.window}`) })} · ${t(`settings.budgets.scopes.${budget.scope}`)} ${budget.scopeId}`}
            </option>
          ))}
        </Select>
      </Field>
    </fieldset>
  )
}
