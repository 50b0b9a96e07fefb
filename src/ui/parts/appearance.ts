/** How the pages look; kept in the browser, because it is about this screen. */
export interface Appearance {
  readonly theme: 'system' | 'light' | 'dark' | 'contrast'
  /** Of the chat, in percent. */
  readonly textSize: 90 | 100 | 115 | 130
  readonly reducedMotion: boolean
}

const place = 'parley.appearance'
const usual: Appearance = { theme: 'system', textSize: 100, reducedMotion: false }

export function readAppearance(): Appearance {
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<Appearance>) }
  } catch {
    // Torn, or storage is closed to this page: the usual look.
    return usual
  }
}

export function keepAppearance(appearance: Appearance): void {
  try {
    localStorage.setItem(place, JSON.stringify(appearance))
  } catch {
    // It counts until the page is left.
  }
  applyAppearance(appearance)
}

const darkness = '(prefers-color-scheme: dark)'

export function applyAppearance({ theme, textSize, reducedMotion }: Appearance): void {
  const root = document.documentElement
  const isDark = theme === 'dark' || theme === 'contrast' || (theme === 'system' && matchMedia(darkness).matches)
  root.classList.toggle('dark', isDark)
  root.classList.toggle('contrast', theme === 'contrast')
  root.classList.toggle('still', reducedMotion)
  root.style.setProperty('--text-size', `${textSize}%`)
}

/** Follows the system where the look is the system's. */
export function followSystem(): void {
  matchMedia(darkness).addEventListener('change', () => applyAppearance(readAppearance()))
}
