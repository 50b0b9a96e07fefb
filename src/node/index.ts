/** The composition root: the only place that knows every part. */

export type { SoldModel } from './network-status.ts'
export { createNode, type NodeOptions, type NodeStatus, type ParleyNode } from './node.ts'
