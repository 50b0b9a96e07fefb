import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { Field, Input } from '../../parts/field.tsx'
import { parseAmount, plain, tokens } from './amounts.ts'

interface AmountFieldProps {
  label?: string
  hint?: string
  /** What is wrong beside what can be seen from the text. */
  error?: string | undefined
  token: { readonly symbol: string; readonly decimals: number }
  max: bigint
  value: string
  onChange: (text: string) => void
}

/** Whole tokens, as people write them. */
export function AmountField({ label, hint, error, token, max, value, onChange }: AmountFieldProps) {
  const { t } = useTranslation()
  const amount = parseAmount(value, token.decimals)
  const wrong =
    value === ''
      ? undefined
      : amount === undefined
        ? t('money.amountWrong')
        : amount > max
          ? t('money.amountOver', { max: tokens(max, token) })
          : error
  return (
    <div className="flex items-start gap-2">
      <Field
        className="flex-1"
        label={`${label ?? t('money.amount')} (${token.symbol})`}
        hint={hint ?? t('money.amountHint', { max: tokens(max, token) })}
        error={wrong}
      >
        <Input
          inputMode="decimal"
          required
          className="tabular h-11 text-base"
          value={value}
          onChange={event => onChange(event.target.value)}
        />
      </Field>
      <Button className="mt-[1.65rem] h-11" onClick={() => onChange(plain(max, token.decimals))}>
        {t('money.max')}
      </Button>
    </div>
  )
}
