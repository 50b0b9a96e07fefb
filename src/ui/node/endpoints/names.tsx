import { Pencil, Plus, Route, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { type Endpoint, useChange } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button, IconButton } from '../../parts/button.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { number } from '../../parts/format.ts'
import { Card, Section } from '../../parts/page.tsx'
import { Empty } from '../../parts/states.tsx'
import { type Mapped, type Mapping, withoutName } from './mapping.ts'
import { NameDialog } from './name-dialog.tsx'

/** What names mean on one path. */
export function Names({ endpoint }: { endpoint: Endpoint }) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  const [edited, setEdited] = useState<{ readonly name: string | undefined }>()
  const mapping = endpoint.mapping as Mapping
  const names = Object.keys(mapping)
  const add = mayOperate && (
    <Button onClick={() => setEdited({ name: undefined })}>
      <Plus aria-hidden />
      {t('node.endpoints.addName')}
    </Button>
  )
  return (
    <Section title={t('node.endpoints.names')} about={t('node.endpoints.namesAbout')} actions={names.length > 0 && add}>
      {names.length === 0 ? (
        <Empty icon={Route} title={t('node.endpoints.namesNone')} action={add}>
          {t('node.endpoints.namesNoneAbout')}
        </Empty>
      ) : (
        <ul className="grid gap-3">
          {names.map(name => (
            <li key={name}>
              <NameCard
                endpoint={endpoint}
                name={name}
                mapped={mapping[name]!}
                onEdit={mayOperate ? () => setEdited({ name }) : undefined}
              />
            </li>
          ))}
        </ul>
      )}
      {edited && <NameDialog endpoint={endpoint} name={edited.name} onClose={() => setEdited(undefined)} />}
    </Section>
  )
}

interface CardProps {
  endpoint: Endpoint
  name: string
  mapped: Mapped
  onEdit: (() => void) | undefined
}

function NameCard({ endpoint, name, mapped, onEdit }: CardProps) {
  const { t } = useTranslation()
  const { targets, aliases = [], policy, continues } = mapped
  return (
    <Card className="grid gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="font-mono font-semibold">{name}</h3>
        {aliases.map(alias => (
          <Badge key={alias}>{alias}</Badge>
        ))}
        {policy && <Badge tone="accent">{policy}</Badge>}
        {continues && <Badge>{t('node.endpoints.continues')}</Badge>}
        {onEdit && (
          <span className="ml-auto flex gap-1">
            <IconButton label={t('node.endpoints.editName', { name })} size="sm" onClick={onEdit}>
              <Pencil aria-hidden />
            </IconButton>
            <RemoveName endpoint={endpoint} name={name} />
          </span>
        )}
      </div>
      <ol className="grid gap-1">
        {targets.map(({ provider, model, weight = 1, priority = 1 }, index) => (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: targets may be the same, and do not move here
            key={index}
            className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 text-[0.8125rem]"
          >
            <span className="tabular w-4 text-muted-foreground">{index + 1}</span>
            <span className="min-w-0 flex-1 break-all">
              {provider ?? <span className="text-muted-foreground">{t('node.endpoints.anyProvider')}</span>}
              <span className="text-muted-foreground"> / </span>
              {model ?? name}
            </span>
            <span className="tabular text-muted-foreground">
              {t('node.endpoints.priority')} {priority} · {t('node.endpoints.weight')} {number(weight, 2)}
            </span>
          </li>
        ))}
      </ol>
    </Card>
  )
}

function RemoveName({ endpoint: { id, mapping }, name }: { endpoint: Endpoint; name: string }) {
  const { t } = useTranslation()
  const [isAsking, setIsAsking] = useState(false)
  const change = useChange('PUT /endpoints/:id', ['/endpoints', '/models'])
  const remove = () =>
    change.mutate(
      { params: { id }, body: { mapping: withoutName(mapping as Mapping, name) as never } },
      {
        onSuccess: () => {
          setIsAsking(false)
          toast.success(t('node.providers.removed', { name }))
        },
      },
    )
  return (
    <>
      <IconButton label={t('node.endpoints.removeName', { name })} size="sm" onClick={() => setIsAsking(true)}>
        <Trash2 aria-hidden />
      </IconButton>
      <Confirm
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        title={t('node.endpoints.removeTitle', { name })}
        description={t('node.endpoints.removeAbout')}
        action={t('common.remove')}
        isDangerous
        isBusy={change.isPending}
        error={change.error instanceof Error ? change.error.message : undefined}
        onConfirm={remove}
      />
    </>
  )
}
