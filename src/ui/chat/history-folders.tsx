import { Check, FolderPlus } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../parts/button.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { Field, Input, TextArea } from '../parts/field.tsx'
import type { Chat, Folder } from '../storage/documents.ts'
import { chatStore } from '../storage/store.ts'
import { changeFolder, fileChat, newFolder, report } from './history-actions.ts'
import { openFolder } from './history-state.ts'

const nameMost = 200
const promptMost = 100_000

/** A folder's name and what every chat in it is told first; `new` makes one. */
export function FolderDialog({ folder, onClose }: { folder: Folder | 'new'; onClose: () => void }) {
  const { t } = useTranslation()
  const isNew = folder === 'new'
  const [name, setName] = useState(isNew ? '' : folder.name)
  const [prompt, setPrompt] = useState(isNew ? '' : folder.systemPrompt)
  const save = () => {
    if (name.trim() === '') return
    if (isNew) openFolder(newFolder(name.trim(), prompt).id, true)
    else changeFolder(folder, { name: name.trim(), systemPrompt: prompt })
    onClose()
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t(isNew ? 'storage.history.newFolder' : 'storage.history.editFolder')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" disabled={name.trim() === ''} onClick={save}>
            {t('common.save')}
          </Button>
        </>
      }
    >
      <form
        className="grid gap-4"
        onSubmit={event => {
          event.preventDefault()
          save()
        }}
      >
        <Field label={t('storage.history.folderName')}>
          <Input value={name} maxLength={nameMost} autoFocus onChange={event => setName(event.target.value)} />
        </Field>
        <Field label={t('storage.history.folderPrompt')} hint={t('storage.history.folderPromptHint')}>
          <TextArea rows={5} value={prompt} maxLength={promptMost} onChange={event => setPrompt(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  )
}

export function RemoveFolder({ folder, count, onClose }: { folder: Folder; count: number; onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Confirm
      isOpen
      isDangerous
      onClose={onClose}
      title={t('storage.history.removeFolder', { name: folder.name })}
      description={t('storage.history.removeFolderAbout', { count })}
      action={t('common.delete')}
      onConfirm={() => {
        report(chatStore().removeFolder(folder.id))
        onClose()
      }}
    />
  )
}

/** Where a chat shall be. */
export function MoveDialog({
  chat,
  folders,
  onClose,
}: {
  chat: Chat
  folders: readonly Folder[]
  onClose: () => void
}) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const move = (folderId: string | null) => {
    if (folderId !== null) openFolder(folderId, true)
    fileChat(chat, { folderId })
    onClose()
  }
  const places = [{ id: null, name: t('storage.history.noFolder') }, ...folders]
  return (
    <Dialog isOpen onClose={onClose} title={t('storage.history.move')} description={chat.title}>
      <ul className="grid gap-px">
        {places.map(({ id, name: label }) => (
          <li key={id}>
            <Button look="quiet" className="w-full justify-start font-normal" onClick={() => move(id)}>
              <span className="flex-1 truncate text-left">{label}</span>
              {chat.folderId === id && <Check aria-label={t('storage.history.isHere')} />}
            </Button>
          </li>
        ))}
      </ul>
      <form
        className="mt-3 flex items-end gap-2 border-t pt-3"
        onSubmit={event => {
          event.preventDefault()
          if (name.trim() !== '') move(newFolder(name.trim()).id)
        }}
      >
        <Field label={t('storage.history.newFolder')} className="flex-1">
          <Input value={name} maxLength={nameMost} onChange={event => setName(event.target.value)} />
        </Field>
        <Button type="submit" disabled={name.trim() === ''}>
          <FolderPlus aria-hidden />
          {t('common.add')}
        </Button>
      </form>
    </Dialog>
  )
}
