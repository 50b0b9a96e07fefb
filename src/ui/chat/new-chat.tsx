import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { create } from 'zustand'
import { useConnection } from '../client/connection.ts'
import { useSession } from '../client/session.ts'
import { useShortcut } from '../client/shortcuts.ts'
import { useFilters } from '../parts/filters.ts'
import { NoConnection } from '../storage/connections/no-connection.tsx'
import { sendFirst } from './actions.ts'
import { Banners } from './banners.tsx'
import { Composer, type Written } from './composer/composer.tsx'
import { Greeting, Suggestions } from './empty.tsx'
import { Header } from './header.tsx'
import { Hint } from './hint.tsx'
import { useIsOffline } from './online.ts'
import { NoModels } from './picker/list.tsx'
import { openPicker } from './picker/pill.tsx'
import { type ChatSettings, Settings } from './settings.tsx'
import { useChosenModel } from './use-model.ts'

type Next = ChatSettings & { model: string | null; provider: string | undefined; isTemporary: boolean }

const usual: Next = { model: null, provider: undefined, isTemporary: false, systemPrompt: '', parameters: {} }

/** What the next chat will be like. */
const useNext = create<Next>(() => usual)

useSession.subscribe((now, before) => {
  if (before.state === 'signed_in' && now.state !== 'signed_in') useNext.setState(usual)
})

/** A chat without a word yet. Nothing has to be decided to begin. */
export function NewChat() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const [{ folder }] = useFilters()
  const next = useNext()
  const { model, models, known, isEmpty } = useChosenModel(next.model)
  const [isOpen, setIsOpen] = useState(false)
  const isOffline = useIsOffline()
  const isConnected = useConnection() !== undefined
  const { systemPrompt, parameters, isTemporary } = next
  const toggleTemporary = () => useNext.setState({ isTemporary: !isTemporary })
  useShortcut('temporary', toggleTemporary)
  const send = ({ text, attachments, model: once }: Written) => {
    const asked = once ?? model
    if (asked === null) return
    const wish = { systemPrompt, parameters, folderId: folder ?? null }
    const id = sendFirst(
      { text, attachments, model: asked, models, ...(once === undefined && { provider: next.provider }) },
      wish,
      isTemporary,
    )
    useNext.setState({ isTemporary: false, systemPrompt: '', parameters: {}, provider: undefined })
    void navigate({ to: `/chat/${id}` as '/' })
  }
  return (
    <div className="flex h-full flex-col">
      <Header
        model={model}
        provider={next.provider}
        onModel={(chosen, provider) => useNext.setState({ model: chosen, provider })}
        isTemporary={isTemporary}
        onTemporary={toggleTemporary}
        hasSettings={systemPrompt !== '' || Object.keys(parameters).length > 0}
        onSettings={() => setIsOpen(true)}
      />
      <Banners isOffline={isOffline} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex min-h-full w-full max-w-3xl flex-col gap-6 px-4 py-8 max-md:pb-[max(0.75rem,env(safe-area-inset-bottom))] md:justify-center md:pb-[16vh]">
          <div className="max-md:my-auto">
            <Greeting isTemporary={isTemporary} />
          </div>
          {isConnected ? isEmpty && <NoModels /> : <NoConnection />}
          <div className="flex flex-col gap-4 max-md:flex-col-reverse">
            <Composer
              draftId={isTemporary ? undefined : 'new'}
              model={model}
              modelIds={models.map(({ id }) => id)}
              isRunning={false}
              isOffline={isOffline}
              commands={{ model: openPicker, system: () => setIsOpen(true), temp: toggleTemporary }}
              onSend={send}
              onStop={() => undefined}
              hint={(text, attachments, once) => (
                <Hint
                  {...{ text, attachments, systemPrompt, path: [], provider: next.provider }}
                  model={models.find(({ id }) => id === once) ?? known}
                />
              )}
            />
            {model !== null && (
              <Suggestions model={model} onChoose={text => send({ text, attachments: [], model: undefined })} />
            )}
          </div>
          <p className="sr-only">{t('chat.empty.keys')}</p>
        </div>
      </div>
      <Settings
        {...{ isOpen, systemPrompt, parameters }}
        onClose={() => setIsOpen(false)}
        onSave={settings => useNext.setState(settings)}
      />
    </div>
  )
}
