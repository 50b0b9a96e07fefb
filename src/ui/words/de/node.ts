import type { Words } from '../words.ts'
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

export const node: Words['node'] = {
  storeDown: 'Die Datenbank ist nicht erreichbar',
  storeDownAbout_one:
    'Anfragen laufen weiter. Gezeigt wird der letzte bekannte Stand; {{count}} Zeile wartet darauf, geschrieben zu werden.',
  storeDownAbout_other:
    'Anfragen laufen weiter. Gezeigt wird der letzte bekannte Stand; {{count}} Zeilen warten darauf, geschrieben zu werden.',
  states: { up: 'läuft', resting: 'pausiert', down: 'ausgefallen', disabled: 'abgeschaltet' },
  kinds: { local: 'dieser Rechner', peer: 'Peer', api: 'Dienst' },
  privacy: { local: 'bleibt hier', peer: 'verschlüsselt zum Peer', upstream: 'Dienst liest mit' },
  live: 'Live',
  paused: 'Angehalten',
  pause: 'Anhalten',
  follow: 'Live folgen',
  span: 'Zeitraum',
  spans: { '15m': '15 Minuten', '1h': '1 Stunde', '24h': '24 Stunden', '7d': '7 Tage', '30d': '30 Tage' },
  spanAll: 'Gesamte Zeit',
  spanCustom: 'Eigener …',
  from: 'Von',
  to: 'Bis',
  clearFilters: 'Filter zurücksetzen',
  shownOf: '{{shown}} von {{total}}',
  readonly: 'Ihre Rolle darf ansehen, aber nichts ändern.',
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
