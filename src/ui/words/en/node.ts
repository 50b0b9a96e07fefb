import { alerts } from './node/alerts.ts'
import { codes } from './node/codes.ts'
import { endpoints } from './node/endpoints.ts'
import { logs } from './node/logs.ts'
import { models } from './node/models.ts'
import { network } from './node/network.ts'
import { overview } from './node/overview.ts'
import { profiles } from './node/profiles.ts'
import { providers } from './node/providers.ts'
import { requests } from './node/requests.ts'

export const node = {
  storeDown: 'The database is away',
  storeDownAbout_one: 'Calls go on. What is shown is what was known before; {{count}} row waits to be written.',
  storeDownAbout_other: 'Calls go on. What is shown is what was known before; {{count}} rows wait to be written.',
  states: { up: 'up', resting: 'resting', down: 'down', disabled: 'disabled' },
  kinds: { local: 'this machine', peer: 'peer', api: 'service' },
  privacy: { local: 'stays here', peer: 'encrypted to peer', upstream: 'service reads it' },
  live: 'Live',
  paused: 'Paused',
  pause: 'Pause',
  follow: 'Follow live',
  span: 'Time',
  spans: { '15m': '15 minutes', '1h': '1 hour', '24h': '24 hours', '7d': '7 days', '30d': '30 days' },
  spanAll: 'All time',
  spanCustom: 'Custom …',
  from: 'From',
  to: 'To',
  clearFilters: 'Clear filters',
  shownOf: '{{shown}} of {{total}}',
  readonly: 'Your role may look, not change.',
  codes,
  overview,
  network,
  models,
  providers,
  endpoints,
  profiles,
  requests,
  logs,
  alerts,
}
