import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ParleyError } from '../core/index.ts'
import type { Layer, Tree } from './layers.ts'
import { address } from './sections/values.ts'

/** What a deployment leaves behind for the nodes that use it. Other fields are allowed: tools write more. */
export const deploymentRecord = z.looseObject({
  chainId: z.int().min(1),
  registry: address(),
  escrow: address(),
  token: address().optional(),
})

/** The record as a layer just above the defaults: what the configuration says itself wins. */
export function deploymentLayer(file: string): Layer {
  const record = readRecord(file)
  const chain: Tree = { id: record.chainId, registry: record.registry, escrow: record.escrow }
  if (record.token !== undefined) chain.token = record.token
  return { name: 'deployment', tree: { chain }, where: () => file }
}

function readRecord(file: string) {
  try {
    return deploymentRecord.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    const why = cause instanceof z.ZodError ? 'it lacks chainId, registry or escrow' : reason(cause)
    throw new ParleyError('config_invalid', `chain.deployment: ${file} is not a deployment record: ${why}`, {
      cause,
      details: { key: 'chain.deployment', file },
    })
  }
}

function reason(cause: unknown): string {
  return cause instanceof SyntaxError ? 'it is not JSON' : 'the file cannot be read'
}
