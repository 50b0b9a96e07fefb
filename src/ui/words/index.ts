import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { en } from './en/index.ts'

export const languages = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof languages

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation'
    resources: { translation: typeof en }
  }
}

const place = 'parley.language'

/** English comes with the page, others when they are chosen. */
export async function startWords(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  await speak(chosen())
}

export async function speak(language: Language): Promise<void> {
  if (language === 'de' && !i18next.hasResourceBundle('de', 'translation')) {
    // Pages whose words are gone are better in English than not there.
    const words = await import('./de/index.ts').catch(() => undefined)
    if (words === undefined) return
    i18next.addResourceBundle('de', 'translation', words.de)
  }
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
}

export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(place, language)
  } catch {
    // It counts until the page is left.
  }
  void speak(language)
}

function chosen(): Language {
  let kept: string | null = null
  try {
    kept = localStorage.getItem(place)
  } catch {
    // Storage is closed to this page.
  }
  const wanted = [kept ?? '', ...navigator.languages].map(name => name.slice(0, 2))
  return wanted.find((name): name is Language => name in languages) ?? 'en'
}
