import { parse, stringify } from 'smol-toml'

/** A TOML text of others as values. Throws what is wrong with it. */
export function parseToml(text: string): Record<string, unknown> {
  return parse(text)
}

/** Values as a TOML text; comments are not among them. */
export function toToml(values: object): string {
  return stringify(values)
}
