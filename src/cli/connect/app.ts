/** Values as JSON, YAML and TOML all have them. */
export type Json = string | number | boolean | null | readonly Json[] | Tree
export interface Tree {
  readonly [name: string]: Json
}

/** A model as an app wants to know it. */
export interface ModelFacts {
  readonly id: string
  /** Tokens of prompt and answer together; undefined when nobody said. */
  readonly contextTokens: number | undefined
  readonly maxOutputTokens: number | undefined
  readonly canChat: boolean
  readonly canUseTools: boolean
}

/** Directories the settings of apps live in. */
export interface Places {
  readonly home: string
  /** `$XDG_CONFIG_HOME`, else `~/.config`. */
  readonly config: string
  /** `$CODEX_HOME`, else `~/.codex`. */
  readonly codex: string
  /** Where the command runs: for apps whose settings lie beside a project. */
  readonly current: string
}

/** What settings are made of. */
export interface Facts {
  /** `/v1` included. */
  readonly baseUrl: string
  readonly apiKey: string
  /** The chosen one; also among `models`. */
  readonly model: ModelFacts
  /** Those that chat. */
  readonly models: readonly ModelFacts[]
  readonly places: Places
}

export type Format = 'json' | 'yaml' | 'toml' | 'env'

/** Values that belong into a file, whatever else stands in it. */
export interface FileEdit {
  readonly path: string
  readonly format: Format
  readonly merge: Tree
  /** Such a file must not be readable by others. */
  readonly holdsKey: boolean
}

/** Something to run or to paste. */
export interface Snippet {
  readonly title: string
  readonly text: string
}

export interface Settings {
  /** Ways that change no file. */
  readonly inline: readonly Snippet[]
  readonly files: readonly FileEdit[]
  /** What is left to do once the files are in place. */
  readonly next: readonly Snippet[]
  /** What a person should know. */
  readonly notes: readonly string[]
}

/** A program that can be pointed at this node. */
export interface App {
  readonly name: string
  readonly title: string
  readonly what: string
  /** Where its settings go, in a few words. */
  readonly takes: string
  readonly settings: (facts: Facts) => Settings
}

/** The variable that apps are told to take the key from. */
export const keyVariable = 'PARLEY_API_KEY'

/** What stands where a key would, when none is to be made. */
export const keyPlaceholder = 'sk-parley-your-key'
