import { Download, Ellipsis, FolderInput, Pencil, Pin, PinOff, Save, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button, IconButton } from '../parts/button.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { Field, Input, Select } from '../parts/field.tsx'
import { Menu } from '../parts/menu.tsx'
import { useChats } from '../storage/store.ts'
import { changeChat, deleteChat, keepChat, type OpenChat } from './desk.ts'
import { exportChat } from './export.ts'
import { report } from './history-actions.ts'
import { stopRun } from './runs.ts'

interface ChatMenuProps {
  open: OpenChat
  /** The chat is gone. */
  onGone: () => void
}

/** What can be done with a chat. */
export function ChatMenu({ open, onGone }: ChatMenuProps) {
  const { t } = useTranslation()
  const [asked, setAsked] = useState<'rename' | 'folder' | 'delete'>()
  const { chat, isTemporary } = open
  const close = () => setAsked(undefined)
  return (
    <>
      <Menu
        items={[
          ...(isTemporary ? [{ label: t('chat.menu.keep'), icon: Save, onSelect: () => keepChat(chat.id) }] : []),
          { label: t('chat.menu.rename'), icon: Pencil, onSelect: () => setAsked('rename') },
          ...(isTemporary
            ? []
            : [
                {
                  label: chat.isPinned ? t('chat.menu.unpin') : t('chat.menu.pin'),
                  icon: chat.isPinned ? PinOff : Pin,
                  onSelect: () => changeChat(chat.id, { isPinned: !chat.isPinned }),
                },
                { label: t('chat.menu.folder'), icon: FolderInput, onSelect: () => setAsked('folder') },
              ]),
          { label: t('chat.menu.exportMarkdown'), icon: Download, onSelect: () => void exportChat(open, 'markdown') },
          { label: t('chat.menu.exportJson'), icon: Download, onSelect: () => void exportChat(open, 'json') },
          null,
          { label: t('chat.menu.delete'), icon: Trash2, isDangerous: true, onSelect: () => setAsked('delete') },
        ]}
      >
        <IconButton label={t('chat.menu.name')} className="max-md:size-11">
          <Ellipsis aria-hidden />
        </IconButton>
      </Menu>
      {asked === 'rename' && <Rename open={open} onClose={close} />}
      {asked === 'folder' && <Folders open={open} onClose={close} />}
      <Confirm
        isOpen={asked === 'delete'}
        onClose={close}
        isDangerous
        title={t('chat.menu.deleteTitle')}
        description={t('chat.menu.deleteAbout', { title: chat.title })}
        action={t('common.delete')}
        onConfirm={() => {
          close()
          stopRun(chat.id)
          report(deleteChat(chat.id).then(onGone))
        }}
      />
    </>
  )
}

function Rename({ open: { chat }, onClose }: { open: OpenChat; onClose: () => void }) {
  const { t } = useTranslation()
  const [title, setTitle] = useState(chat.title)
  const save = () => {
    if (title.trim() !== '') changeChat(chat.id, { title: title.trim() })
    onClose()
  }
  return (
    <Dialog isOpen onClose={onClose} title={t('chat.menu.rename')}>
      <form
        className="grid gap-3"
        onSubmit={event => {
          event.preventDefault()
          save()
        }}
      >
        <Field label={t('chat.menu.title')}>
          <Input autoFocus maxLength={200} value={title} onChange={event => setTitle(event.target.value)} />
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" type="submit">
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function Folders({ open: { chat }, onClose }: { open: OpenChat; onClose: () => void }) {
  const { t } = useTranslation()
  const { folders } = useChats()
  return (
    <Dialog isOpen onClose={onClose} title={t('chat.menu.folder')}>
      <Field label={t('chat.menu.folderName')} hint={folders.length === 0 && t('chat.menu.noFolders')}>
        <Select
          value={chat.folderId ?? ''}
          onChange={event => {
            changeChat(chat.id, { folderId: event.target.value === '' ? null : event.target.value })
            onClose()
          }}
        >
          <option value="">{t('common.none')}</option>
          {folders.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
      </Field>
    </Dialog>
  )
}
