import type { Command } from 'commander'
import { type Model, ModelList } from '../../openai/index.ts'
import { action } from '../context.ts'
import { table } from '../output.ts'
import { requireNode } from '../running-node.ts'

export function addModels(program: Command): void {
  program
    .command('models')
    .description('list the models the running node can answer with')
    .addHelpText('after', '\nExample:\n  $ parley models --json | jq -r .models[].id')
    .action(
      action(async ({ load, out, signal }) => {
        const { data } = ModelList.parse(await requireNode(load().config.paths).read('/v1/models', signal))
        out.answer({ models: data }, ({ models }) => table(headings, models.map(row)))
      }),
    )
}

const headings = ['MODEL', 'CONTEXT', 'CAN', 'PRICE IN/OUT', 'BY']

function row(model: Model): string[] {
  const { prompt, completion, unit = 'tokens' } = model.pricing ?? {}
  const per = unit === 'tokens' ? '' : ` ${unit}`
  const price = model.pricing ? `${prompt}/${completion}${per}` : 'free'
  const by = model.providers === undefined ? model.owned_by : `${model.owned_by} (${model.providers})`
  return [model.id, String(model.context_length ?? '-'), (model.capabilities ?? []).join(' '), price, by]
}
