import { Gauge, MoreHorizontal, Pencil, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Budget, useApi, useChange } from '../../../client/api.ts'
import { useMay } from '../../../client/session.ts'
import { Badge } from '../../../parts/badge.tsx'
import { Button, IconButton } from '../../../parts/button.tsx'
import { cn } from '../../../parts/class.ts'
import { Confirm } from '../../../parts/dialog.tsx'
import { dollars, relative } from '../../../parts/format.ts'
import { Menu } from '../../../parts/menu.tsx'
import { Card } from '../../../parts/page.tsx'
import { Empty, Failed, Waiting } from '../../../parts/states.tsx'
import { EditBudget, NewBudget } from './edit.tsx'
import { useNameOf } from './names.ts'

const limit = 200

export function Budgets() {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const { data, error, refetch } = useApi('GET /budgets', { query: { limit } })
  const [open, setOpen] = useState<'new' | { readonly what: 'edit' | 'remove'; readonly budget: Budget }>()
  const nameOf = useNameOf()
  const close = () => setOpen(undefined)
  const add = mayOperate && (
    <Button look="primary" onClick={() => setOpen('new')}>
      <Plus aria-hidden />
      {t('settings.budgets.new')}
    </Button>
  )
  return (
    <div className="grid gap-3">
      {data !== undefined && data.total > 0 && <div className="flex justify-end">{add}</div>}
      {data === undefined && (error ? <Failed error={error} onRetry={() => void refetch()} /> : <Waiting />)}
      {data?.total === 0 && (
        <Empty icon={Gauge} title={t('settings.budgets.empty')} action={add}>
          {t('settings.budgets.emptyAbout')}
        </Empty>
      )}
      <ul className="grid gap-3 md:grid-cols-2 xl:grid-cols-3">
        {data?.data.map(budget => (
          <li key={budget.id}>
            <One
              budget={budget}
              name={nameOf(budget)}
              onEdit={mayOperate ? what => setOpen({ what, budget }) : undefined}
            />
          </li>
        ))}
      </ul>
      {open === 'new' && <NewBudget onClose={close} />}
      {typeof open === 'object' && open.what === 'edit' && <EditBudget budget={open.budget} onClose={close} />}
      {typeof open === 'object' && open.what === 'remove' && <Remove budget={open.budget} onClose={close} />}
    </div>
  )
}

interface OneProps {
  budget: Budget
  name: string
  onEdit: ((what: 'edit' | 'remove') => void) | undefined
}

const warnPercent = 80

function One({ budget, name, onEdit }: OneProps) {
  const { t } = useTranslation()
  const { scope, amount, spent, window, windowStart, hard } = budget
  const percent = Number(amount) === 0 ? 100 : Math.min(100, (Number(spent) / Number(amount)) * 100)
  const text = t('settings.budgets.spent', { spent: dollars(spent), amount: dollars(amount) })
  return (
    <Card className="grid gap-3">
      <div className="flex items-start justify-between gap-2">
        <div className="grid min-w-0 gap-0.5">
          <p className="truncate font-medium">{name}</p>
          <p className="text-[0.8125rem] text-muted-foreground">
            {t(`settings.budgets.scopes.${scope}`)} ·{' '}
            {t('settings.budgets.per', { window: t(`settings.budgets.windows.${window}`) })}
          </p>
        </div>
        <div className="flex items-center gap-1">
          <Badge tone={hard ? 'accent' : 'neutral'}>
            {t(hard ? 'settings.budgets.isHard' : 'settings.budgets.isSoft')}
          </Badge>
          {onEdit && (
            <Menu
              items={[
                { label: t('common.edit'), icon: Pencil, onSelect: () => onEdit('edit') },
                { label: t('common.remove'), icon: Trash2, isDangerous: true, onSelect: () => onEdit('remove') },
              ]}
            >
              <IconButton label={t('settings.budgets.actions', { name })} size="sm">
                <MoreHorizontal aria-hidden />
              </IconButton>
            </Menu>
          )}
        </div>
      </div>
      <div role="img" aria-label={text} className="h-2 overflow-hidden rounded-full bg-secondary">
        <div
          className={cn(
            'h-full rounded-full bg-primary',
            percent >= warnPercent && 'bg-warning',
            percent >= 100 && 'bg-destructive',
          )}
          style={{ width: `${percent}%` }}
        />
      </div>
      <p className="tabular flex flex-wrap justify-between gap-x-4">
        {text}
        <span className="text-muted-foreground">{t('settings.budgets.since', { when: relative(windowStart) })}</span>
      </p>
    </Card>
  )
}

function Remove({ budget: { id }, onClose }: { budget: Budget; onClose: () => void }) {
  const { t } = useTranslation()
  const remove = useChange('DELETE /budgets/:id')
  return (
    <Confirm
      isOpen
      isDangerous
      onClose={onClose}
      title={t('settings.budgets.remove')}
      description={t('settings.budgets.removeAbout')}
      action={t('common.remove')}
      isBusy={remove.isPending}
      error={remove.error instanceof Error && remove.error.message}
      onConfirm={() => remove.mutate({ params: { id } }, { onSuccess: onClose })}
    />
  )
}
