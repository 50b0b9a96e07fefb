import { Link, useNavigate } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../parts/button.tsx'
import { Page } from '../parts/page.tsx'
import { Empty, Failed, Waiting } from '../parts/states.tsx'
import { useStorageChoice } from '../storage/choice.ts'
import type { Message } from '../storage/documents.ts'
import { useSync } from '../storage/node-home.ts'
import { answerAgain, chooseModel, deleteBranch, forkAt, send, sendEdited, showBranch } from './actions.ts'
import { Announcer } from './announcer.tsx'
import { Banners } from './banners.tsx'
import { ChatMenu } from './chat-menu.tsx'
import { Composer } from './composer/composer.tsx'
import { changeChat, type OpenChat, openChat, useDesk } from './desk.ts'
import { exportChat } from './export.ts'
import { Header } from './header.tsx'
import { Hint } from './hint.tsx'
import { useLatest } from './latest.ts'
import { Details } from './message/details.tsx'
import type { ItemActions } from './message/item.tsx'
import { MessageList } from './message/list.tsx'
import { Meter } from './meter.tsx'
import { useIsOffline } from './online.ts'
import { openPicker } from './picker/pill.tsx'
import type { Model } from './rank.ts'
import { stopRun, useRuns } from './runs.ts'
import { Settings } from './settings.tsx'
import { leafUnder, pathTo } from './tree.ts'
import { useChatShortcuts } from './use-chat-shortcuts.ts'
import { useChosenModel } from './use-model.ts'
import { useTitle } from './use-title.ts'

/** A chat that was begun. */
export function ChatPage({ id }: { id: string }) {
  const { t } = useTranslation()
  const open = useDesk(state => state.open[id])
  const isMissing = useDesk(state => state.missing[id] === true)
  const [error, setError] = useState<unknown>()
  const load = () => {
    setError(undefined)
    openChat(id).catch(setError)
  }
  useEffect(load, [id])
  const mayCome = useMayCome()
  if (open !== undefined) return <Conversation open={open} />
  if (isMissing && !mayCome) {
    return (
      <Page title={t('chat.missing.name')} isNarrow>
        <Empty
          title={t('chat.missing.about')}
          action={
            <Button asChild look="primary">
              <Link to="/">{t('app.pages.chat')}</Link>
            </Button>
          }
        />
      </Page>
    )
  }
  return (
    <div className="mx-auto w-full max-w-3xl px-4 py-8">
      {error === undefined ? <Waiting rows={6} /> : <Failed error={error} onRetry={load} />}
    </div>
  )
}

/** Whether a chat that is not here may be with the node, which this browser has not heard of yet. */
function useMayCome(): boolean {
  const isKeptByNode = useStorageChoice(({ home }) => home === 'node')
  const isFirst = useSync(({ state, syncedAt }) => state !== 'away' && syncedAt === undefined)
  return isKeptByNode && isFirst
}

function Conversation({ open }: { open: OpenChat }) {
  const { chat, messages, isTemporary } = open
  const { id, systemPrompt, parameters } = chat
  const { t } = useTranslation()
  const navigate = useNavigate()
  // Not its words: they are drawn where they stand, and nothing else is for each of them.
  const runId = useRuns(state => state.runs[id]?.messageId)
  const answeredId = useRuns(state => state.runs[id]?.parentId)
  const isRunning = runId !== undefined
  const { model, models, known } = useChosenModel(chat.model)
  const [provider, setProvider] = useState<string>()
  const [editedId, setEditedId] = useState<string>()
  const [detailed, setDetailed] = useState<Message>()
  const [isOpen, setIsOpen] = useState(false)
  const isOffline = useIsOffline()
  const path = useMemo(() => shownPath(messages, chat.headId, isRunning), [messages, chat.headId, isRunning])
  const go = (to: string) => void navigate({ to: to as '/' })
  const actions = useActions(id, { title: chat.title, model, models, setEditedId, setDetailed, go })
  useChatShortcuts({ id, path, isRunning, actions })
  // The names of pages stay in the history of the browser.
  useTitle(isTemporary ? t('chat.temporary.greeting') : chat.title)
  return (
    <div className="flex h-full flex-col">
      <h1 className="sr-only">{chat.title}</h1>
      <Header
        model={model}
        provider={provider}
        onModel={(chosen, who) => {
          chooseModel(id, chosen)
          setProvider(who)
        }}
        isTemporary={isTemporary}
        onTemporary={undefined}
        hasSettings={systemPrompt !== '' || Object.keys(parameters).length > 0}
        onSettings={() => setIsOpen(true)}
      >
        <Meter messages={messages} />
        <ChatMenu open={open} onGone={() => go('/')} />
      </Header>
      <Banners isOffline={isOffline} />
      <MessageList
        chatId={id}
        title={chat.title}
        {...{ path, messages, models, editedId, actions }}
        isRunning={isRunning}
        isRunShown={isRunning && path.at(-1)?.id === answeredId}
      >
        <div className="mx-auto w-full max-w-3xl px-4 pb-[max(0.75rem,env(safe-area-inset-bottom))]">
          <Composer
            draftId={isTemporary ? undefined : id}
            model={model}
            modelIds={models.map(each => each.id)}
            isRunning={isRunning}
            isOffline={isOffline}
            commands={{
              model: openPicker,
              system: () => setIsOpen(true),
              export: () => void exportChat(open, 'markdown'),
              new: () => go('/'),
            }}
            onSend={({ text, attachments, model: once }) => {
              const asked = once ?? model
              if (asked === null) return
              const who = once === undefined && provider !== undefined ? { provider } : {}
              send(id, { text, attachments, model: asked, models, ...who }, once !== undefined)
            }}
            onStop={() => stopRun(id)}
            hint={(text, attachments, once) => (
              <Hint
                {...{ text, attachments, path, systemPrompt, provider }}
                model={models.find(each => each.id === once) ?? known}
              />
            )}
          />
        </div>
      </MessageList>
      <Announcer path={path} isRunning={isRunning} />
      <Settings
        {...{ isOpen, systemPrompt, parameters }}
        onClose={() => setIsOpen(false)}
        onSave={settings => changeChat(id, settings)}
      />
      {detailed !== undefined && <Details message={detailed} onClose={() => setDetailed(undefined)} />}
    </div>
  )
}

/** To the newest message below the head; while an answer is written, to the prompt that it answers. */
function shownPath(messages: readonly Message[], headId: string | null, isRunning: boolean): readonly Message[] {
  if (headId === null) return []
  if (!isRunning) return pathTo(messages, leafUnder(messages, headId))
  return pathTo(messages, headId)
}

interface Doing {
  title: string
  model: string | null
  models: readonly Model[]
  setEditedId: (id: string | undefined) => void
  setDetailed: (message: Message) => void
  go: (to: string) => void
}

/** What messages can be asked to do; the same as long as the chat is, so that those that are whole stay as they are drawn. */
function useActions(id: string, doing: Doing): ItemActions {
  const latest = useLatest(doing)
  return useMemo<ItemActions>(
    () => ({
      again: (message, wish) => answerAgain(id, message, { models: latest().models, ...wish }),
      edit: (message, text) => {
        const { model, setEditedId } = latest()
        setEditedId(undefined)
        const { attachments = [] } = message
        if (model !== null) sendEdited(id, message, { text, attachments, model, models: latest().models })
      },
      show: other => showBranch(id, other),
      fork: message => {
        const fork = forkAt(id, message.id, latest().title)
        if (fork !== undefined) latest().go(`/chat/${fork}`)
      },
      remove: message => deleteBranch(id, message.id),
      details: message => latest().setDetailed(message),
      startEdit: edited => latest().setEditedId(edited),
    }),
    [id, latest],
  )
}
