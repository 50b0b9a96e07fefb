import type { LogStore } from '../core/index.ts'
import type { CommandContext } from './context.ts'

/** What a command changed in the store of a node stands in its log like what was changed by the management API. */
export async function putOnRecord(
  logs: Pick<LogStore, 'write'>,
  { clock, random }: Pick<CommandContext, 'clock' | 'random'>,
  command: string,
  target?: string,
): Promise<void> {
  const fields = { actor: 'machine:cli', role: 'admin', route: `parley ${command}`, ...(target && { target }) }
  const line = {
    level: 'info',
    component: 'management',
    message: 'management.changed',
    requestId: null,
    fields,
  } as const
  await logs.write([{ id: random.uuid(), timestamp: clock.now(), ...line }])
}
