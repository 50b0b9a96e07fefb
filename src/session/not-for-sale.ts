import type { Reply, Task } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

/** The reply to a call that has no price: refused before anybody is asked, as what cannot be counted would go unpaid. */
// biome-ignore lint/correctness/useYield: a refusal has nothing to say before it
export async function* notForSale(task: Task): Reply {
  throw new ParleyError(
    'unsupported',
    `${task} calls are not sold between nodes, as their price is per token and they have none; name an upstream that has the model`,
  )
}
