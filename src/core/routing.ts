/**
 * How candidates of one priority are ordered:
 * - `balanced`: price, delay, speed, stake and success weighed together;
 * - `weighted`: by chance, in proportion to their weights;
 * - `priority`: as they are listed;
 * - `fastest`, `cheapest`, `trusted`: the same weighing with one side leading;
 * - `least-busy`: fewest calls of this node running there, for their weight;
 * - `private`: this machine, then peers, then services; among equals `balanced`.
 */
export const routingPolicies = [
  'balanced',
  'weighted',
  'priority',
  'fastest',
  'cheapest',
  'least-busy',
  'private',
  'trusted',
] as const

/** What a request may ask of its model beside text, as far as it shows. */
export const callNeeds = ['vision', 'tools', 'json'] as const

export type CallNeed = (typeof callNeeds)[number]

export type RoutingPolicy = (typeof routingPolicies)[number]
