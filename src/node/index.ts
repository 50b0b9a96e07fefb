/** The composition root: the only place that knows every part. */

export type { SoldModel } from './network.ts'
export { createNode, type NodeOptions, type NodeStatus, type ParleyNode } from './node.ts'
