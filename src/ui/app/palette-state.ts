import { create } from 'zustand'

/** Apart from the palette itself, whose code comes when it is opened first. */
export const usePalette = create<{ readonly isOpen: boolean }>(() => ({ isOpen: false }))
