import { Cable, KeyRound, LockKeyhole } from 'lucide-react'
import { type ComponentType, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { useVault } from '../vault.ts'
import { type PresetName, presetNames } from './address.ts'
import { type ConnectionEntry, readinessOf, useConnections } from './connections.ts'
import { EditConnection } from './edit.tsx'
import { UnlockForm } from './unlock.tsx'

/** In the chat of a client without a node, until it knows where to ask. */
export function NoConnection() {
  const { t } = useTranslation()
  const { entries, activeId } = useConnections()
  const vault = useVault()
  const [edited, setEdited] = useState<ConnectionEntry | PresetName>()
  const entry = entries.find(({ id }) => id === activeId) ?? entries[0]
  const dialog = edited !== undefined && <EditConnection entry={edited} onClose={() => setEdited(undefined)} />
  const readiness = entry && readinessOf(entry, vault)
  if (entry !== undefined && readiness === 'locked') {
    return (
      <Invitation
        icon={LockKeyhole}
        title={t('storage.connections.unlockTitle')}
        about={t('storage.connections.unlockAbout', { name: entry.name })}
      >
        <UnlockForm />
      </Invitation>
    )
  }
  if (entry !== undefined && readiness === 'missing') {
    return (
      <Invitation
        icon={KeyRound}
        title={t('storage.connections.againTitle')}
        about={t('storage.connections.againAbout', { name: entry.name })}
      >
        <Button look="primary" className="w-full" onClick={() => setEdited(entry)}>
          {t('storage.connections.againTitle')}
        </Button>
        {dialog}
      </Invitation>
    )
  }
  return (
    <Invitation
      icon={Cable}
      title={t('storage.connections.connectTitle')}
      about={t('storage.connections.connectAbout')}
    >
      <ul className="grid gap-2 sm:grid-cols-2">
        {presetNames.map(name => (
          <li key={name} className="last:sm:col-span-2">
            <Button size="lg" className="w-full justify-start text-sm" onClick={() => setEdited(name)}>
              {t(`storage.connections.presets.${name}`)}
            </Button>
          </li>
        ))}
      </ul>
      {dialog}
    </Invitation>
  )
}

interface InvitationProps {
  icon: ComponentType<{ className?: string }>
  title: string
  about: string
  children: ReactNode
}

function Invitation({ icon: Icon, title, about, children }: InvitationProps) {
  return (
    <section className="mx-auto grid w-full max-w-md gap-4 rounded-lg border bg-card p-5">
      <header className="grid gap-1.5">
        <Icon aria-hidden className="size-5 text-primary" />
        <h2 className="text-base font-semibold">{title}</h2>
        <p className="text-muted-foreground">{about}</p>
      </header>
      {children}
    </section>
  )
}
