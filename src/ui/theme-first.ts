import { applyAppearance, readAppearance } from './parts/appearance.ts'

/** Before anything is drawn: a page that flashes white in the dark is no page for the night. */
applyAppearance(readAppearance())
