import { cloneElement, type ReactElement, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '../../parts/class.ts'
import { Input, Select } from '../../parts/field.tsx'
import { type Span, spanNames } from './range.ts'

const typingMs = 350

interface SmallFieldProps {
  label: ReactNode
  className?: string
  children: ReactElement<{ id?: string }>
}

/** A control of a row of filters, with its label above. */
export function SmallField({ label, className, children }: SmallFieldProps) {
  const id = useId()
  return (
    <div className={cn('grid gap-1 text-xs text-muted-foreground', className)}>
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, { id })}
    </div>
  )
}

interface FilterProps {
  label: string
  value: string | undefined
  onChange: (value: string | undefined) => void
  className?: string
}

const control = 'h-8 text-[0.8125rem] text-foreground max-md:h-11'

/** Typed text counts when the typing pauses. */
export function TextFilter({
  label,
  value = '',
  onChange,
  className,
  options,
}: FilterProps & { options?: readonly string[] }) {
  const [text, setText] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => setText(value), [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  const list = options && `list-${label.replaceAll(/\W/g, '')}`
  return (
    <>
      <SmallField label={label} className={className}>
        <Input
          className={control}
          value={text}
          list={list}
          onChange={({ target }) => {
            setText(target.value)
            clearTimeout(timer.current)
            timer.current = setTimeout(() => onChange(target.value.trim() || undefined), typingMs)
          }}
        />
      </SmallField>
      {options && (
        <datalist id={list}>
          {options.map(option => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </>
  )
}

export function ChoiceFilter(
  props: FilterProps & { options: readonly (readonly [value: string, name: string])[]; any?: string },
) {
  const { label, value = '', onChange, className, options, any } = props
  const { t } = useTranslation()
  return (
    <SmallField label={label} className={className}>
      <Select className={control} value={value} onChange={({ target }) => onChange(target.value || undefined)}>
        <option value="">{any ?? t('node.requests.any')}</option>
        {options.map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </Select>
    </SmallField>
  )
}

type Change = (change: Record<string, string | undefined>) => void

/** A preset, or two moments of one's own. */
export function SpanFilter({ filters, onChange }: { filters: Readonly<Record<string, string>>; onChange: Change }) {
  const { t } = useTranslation()
  const isCustom = filters.from !== undefined || filters.to !== undefined
  const [isOpen, setIsOpen] = useState(isCustom)
  return (
    <>
      <SmallField label={t('node.span')}>
        <Select
          className={control}
          value={isOpen ? 'custom' : (filters.span ?? '')}
          onChange={({ target: { value } }) => {
            setIsOpen(value === 'custom')
            onChange({ span: value === 'custom' ? undefined : value || undefined, from: undefined, to: undefined })
          }}
        >
          <option value="">{t('node.spanAll')}</option>
          {spanNames.map((span: Span) => (
            <option key={span} value={span}>
              {t(`node.spans.${span}`)}
            </option>
          ))}
          <option value="custom">{t('node.spanCustom')}</option>
        </Select>
      </SmallField>
      {isOpen &&
        (['from', 'to'] as const).map(end => (
          <SmallField key={end} label={t(`node.${end}`)}>
            <Input
              type="datetime-local"
              className={control}
              value={filters[end] ?? ''}
              onChange={({ target }) => onChange({ [end]: target.value || undefined })}
            />
          </SmallField>
        ))}
    </>
  )
}
