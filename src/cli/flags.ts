import { type Command, Option } from 'commander'
import { configKeys } from '../config/index.ts'

/** Every configuration key as a hidden option of the program; its help would fill pages. */
export function addConfigFlags(program: Command): void {
  for (const { flag, kind, description } of configKeys) {
    if (flag === undefined) continue
    if (kind !== 'boolean') {
      program.addOption(new Option(`${flag} <value>`, description).hideHelp())
      continue
    }
    program.addOption(new Option(flag, description).hideHelp())
    program.addOption(new Option(flag.replace(/^--/, '--no-'), description).hideHelp())
  }
}

/** What of it was given on this command line, by the path of the key. */
export function givenConfigFlags(program: Command): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const { flag, path } of configKeys) {
    if (flag === undefined) continue
    const name = new Option(flag).attributeName()
    if (program.getOptionValueSource(name) === 'cli') given[path] = program.getOptionValue(name)
  }
  return given
}
