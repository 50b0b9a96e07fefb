import { create } from 'zustand'
import { keepChoice } from './choice.ts'
import type { ChatDatabase } from './database.ts'
import type { ChatHome } from './port.ts'
import { exportHome } from './transfer/own-format.ts'

/** What browsers with the File System Access API have, and the types of the platform lack. */
interface WritableHandle extends FileSystemFileHandle {
  queryPermission(wish: { mode: 'readwrite' }): Promise<PermissionState>
  requestPermission(wish: { mode: 'readwrite' }): Promise<PermissionState>
}

type Picker = (wish: object) => Promise<WritableHandle>

const handleNote = 'file'
const pauseMs = 3_000
const fileName = 'parley-chats.json'

interface FileState {
  /** `none`: no file was chosen; `ask`: the browser wants to be asked again; `manual`: this browser cannot keep a file. */
  readonly state: 'saved' | 'saving' | 'changed' | 'none' | 'ask' | 'manual' | 'failed'
  readonly name: string | undefined
}

export const useFile = create<FileState>(() => ({ state: 'none', name: undefined }))

export function canKeepFile(): boolean {
  return 'showSaveFilePicker' in window
}

/** The browser's database, and a file beside it that is written anew a little after each change. */
export function createFileHome(local: ChatHome, database: ChatDatabase | undefined): ChatHome {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isClosed = false
  const save = () => {
    if (!isClosed && database !== undefined) void saveFile(local, database)
  }
  const stop = local.onChange(() => {
    clearTimeout(timer)
    useFile.setState({ state: canKeepFile() ? 'changed' : 'manual' })
    timer = setTimeout(save, pauseMs)
  })
  save()
  return {
    ...local,
    close: () => {
      isClosed = true
      clearTimeout(timer)
      stop()
      local.close()
    },
  }
}

/** Asks where the file shall be; to be called as what a click does. */
export async function chooseFile(local: ChatHome, database: ChatDatabase): Promise<void> {
  const pick = (window as unknown as { showSaveFilePicker: Picker }).showSaveFilePicker
  const types = [{ accept: { 'application/json': ['.json'] } }]
  const handle = await pick.call(window, { suggestedName: fileName, types })
  await database.notes.put({ name: handleNote, value: handle })
  await saveFile(local, database)
}

/** The same file as before, where the browser wants to be asked; to be called as what a click does. */
export async function allowFile(local: ChatHome, database: ChatDatabase): Promise<void> {
  const handle = await handleOf(database)
  if ((await handle?.requestPermission({ mode: 'readwrite' })) === 'granted') await saveFile(local, database)
}

async function handleOf({ notes }: ChatDatabase): Promise<WritableHandle | undefined> {
  return (await notes.get(handleNote))?.value as WritableHandle | undefined
}

/** Tabs take turns; the file is replaced when all of it is written. */
async function saveFile(local: ChatHome, database: ChatDatabase): Promise<void> {
  if (!canKeepFile()) return useFile.setState({ state: 'manual' })
  try {
    const handle = await handleOf(database)
    if (handle === undefined) return useFile.setState({ state: 'none', name: undefined })
    if ((await handle.queryPermission({ mode: 'readwrite' })) !== 'granted') {
      return useFile.setState({ state: 'ask', name: handle.name })
    }
    useFile.setState({ state: 'saving', name: handle.name })
    await navigator.locks.request(`parley.file.${database.name}`, async () => {
      const writable = await handle.createWritable()
      await writable.write(await exportHome(local))
      await writable.close()
    })
    keepChoice({ savedAt: Date.now() })
    useFile.setState({ state: 'saved', name: handle.name })
  } catch {
    useFile.setState({ state: 'failed' })
  }
}
