import { nearest } from '../../config/index.ts'
import { ParleyError } from '../../core/index.ts'
import { aider, codex, opencode } from './agents.ts'
import type { App, Facts, Settings } from './app.ts'
import { libreChat, openWebUi } from './chats.ts'
import { cline, continueDev, zed } from './editors.ts'
import { curl, langChain, langChainJs, llamaIndex, openAiNode, openAiPython } from './libraries.ts'

/** Every app there are settings for, in the order they are listed. */
export const apps: readonly App[] = [
  openWebUi,
  libreChat,
  continueDev,
  cline,
  zed,
  aider,
  opencode,
  codex,
  langChain,
  langChainJs,
  llamaIndex,
  openAiNode,
  openAiPython,
  curl,
]

/** The app of this name. Throws `not_found` with those there are. */
export function findApp(name: string): App {
  const wanted = name.toLowerCase().replaceAll(/[\s_]/g, '-')
  const app = apps.find(candidate => candidate.name === wanted)
  if (app !== undefined) return app
  const names = apps.map(candidate => candidate.name)
  const near = nearest(wanted, names)
  const next =
    near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}? There are ${names.join(', ')}`
  throw new ParleyError('not_found', `no settings are known for ${JSON.stringify(name)}; ${next}`)
}

/** What points an app at this node. */
export function settingsFor(app: App, facts: Facts): Settings {
  return app.settings(facts)
}
