export const policyNames = [
  'balanced',
  'weighted',
  'priority',
  'fastest',
  'cheapest',
  'least-busy',
  'private',
  'trusted',
] as const
export type PolicyName = (typeof policyNames)[number]

export interface Target {
  readonly provider?: string
  readonly model?: string
  readonly weight?: number
  readonly priority?: number
}

export interface Mapped {
  readonly targets: readonly Target[]
  readonly aliases?: readonly string[]
  readonly policy?: PolicyName
  readonly continues?: boolean
}

export type Mapping = Readonly<Record<string, Mapped>>

export interface TargetDraft {
  readonly key: string
  readonly provider: string
  readonly model: string
  readonly weight: string
  readonly priority: string
}

/** A name and its targets as they are typed in. */
export interface NameDraft {
  readonly name: string
  readonly aliases: string
  readonly policy: PolicyName | ''
  readonly continues: boolean
  readonly targets: readonly TargetDraft[]
}

export function newTarget(): TargetDraft {
  return { key: crypto.randomUUID(), provider: '', model: '', weight: '1', priority: '1' }
}

export function nameDraftOf(name: string, mapped?: Mapped): NameDraft {
  const { targets = [], aliases = [], policy = '', continues = false } = mapped ?? {}
  const drafts = targets.map(({ provider = '', model = '', weight = 1, priority = 1 }) => ({
    ...{ key: crypto.randomUUID(), provider, model },
    weight: String(weight),
    priority: String(priority),
  }))
  return { name, aliases: aliases.join(', '), policy, continues, targets: drafts.length === 0 ? [newTarget()] : drafts }
}

export function mappedOf({ aliases, policy, continues, targets }: NameDraft): Mapped {
  return {
    targets: targets.map(({ provider, model, weight, priority }) => ({
      ...(provider !== '' && { provider }),
      ...(model.trim() !== '' && { model: model.trim() }),
      weight: weight.trim() === '' ? 1 : Number(weight),
      priority: priority.trim() === '' ? 1 : Number(priority),
    })),
    aliases: aliases
      .split(',')
      .map(alias => alias.trim())
      .filter(alias => alias !== ''),
    ...(policy !== '' && { policy }),
    ...(continues && { continues }),
  }
}

/** With one name set anew, in its old place where it had one. */
export function withName(mapping: Mapping, before: string | undefined, name: string, mapped: Mapped): Mapping {
  const entries = Object.entries(mapping)
  const at = entries.findIndex(([each]) => each === before)
  if (at === -1) return { ...mapping, [name]: mapped }
  return Object.fromEntries(entries.with(at, [name, mapped]))
}

export function withoutName(mapping: Mapping, name: string): Mapping {
  return Object.fromEntries(Object.entries(mapping).filter(([each]) => each !== name))
}
