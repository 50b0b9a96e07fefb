import type { Dialect } from './dialect.ts'
import { histogramColumns } from './tables.ts'

/** One step of the schema. A released one is never edited: what changes is a further one. */
export interface Migration {
  readonly name: string
  readonly statements: (dialect: Dialect) => readonly string[]
}

/** The paths that can be configured, with the ids they have on every node. */
const seededPaths = [
  ['0198a000-0000-7000-8000-000000000001', '/v1/chat/completions'],
  ['0198a000-0000-7000-8000-000000000002', '/v1/completions'],
  ['0198a000-0000-7000-8000-000000000003', '/v1/embeddings'],
  ['0198a000-0000-7000-8000-000000000004', '/v1/images/generations'],
  ['0198a000-0000-7000-8000-000000000005', '/v1/models'],
] as const

const management: Migration = {
  name: 'management',
  statements: dialect => {
    const { key, whole, json, flag, real } = dialect.types
    const table = tableOf(dialect)
    const [no, yes] = dialect.name === 'sqlite' ? ['0', '1'] : ['false', 'true']
    return [
      table('meta', `name ${key} primary key, value text not null`),
      `insert into meta (name, value) values ('revision', '0')`,
      table(
        'providers',
        `id ${key} primary key, name ${key} not null,
        type text not null check (type in ('peer', 'local', 'api', 'web')), provider text not null,
        config ${json} not null, secret text, secret_tail text check (length(secret_tail) <= 4),
        status text not null check (status in ('active', 'disabled')),
        created_at ${whole} not null, updated_at ${whole} not null, deleted_at ${whole}`,
      ),
      'create unique index providers_by_name on providers (name) where deleted_at is null',
      table(
        'endpoints',
        `id ${key} primary key, path ${key} not null unique, active ${flag} not null, mapping ${json} not null,
        updated_at ${whole} not null`,
      ),
      ...seededPaths.map(
        ([id, path]) =>
          `insert into endpoints (id, path, active, mapping, updated_at) values ('${id}', '${path}', ${yes}, '{}', 0)`,
      ),
      table(
        'configurations',
        `id ${key} primary key, name ${key} not null unique, description text not null, document ${json} not null,
        is_active ${flag} not null, created_at ${whole} not null, updated_at ${whole} not null`,
      ),
      `create unique index configurations_active on configurations (is_active) where is_active = ${yes}`,
      table(
        'users',
        `id ${key} primary key, email ${key} not null unique, name text not null,
        role text not null check (role in ('user', 'viewer', 'operator', 'admin')), password_hash text,
        totp_secret text, totp_confirmed ${flag} not null default ${no},
        status text not null check (status in ('active', 'disabled', 'invited')),
        price_multiplier ${whole} not null, created_at ${whole} not null, last_login_at ${whole}`,
      ),
      table(
        'sessions',
        `id ${key} primary key, user_id ${key} not null references users (id) on delete cascade,
        family ${key} not null, refresh_hash ${key} not null unique, created_at ${whole} not null,
        expires_at ${whole} not null, rotated_at ${whole}, revoked_at ${whole}, user_agent text not null`,
      ),
      'create index sessions_by_user on sessions (user_id, created_at)',
      'create index sessions_by_family on sessions (family)',
      'create index sessions_by_expiry on sessions (expires_at)',
      table(
        'keys',
        `id ${key} primary key, hash ${key} not null unique, name text not null, tail text not null, project ${key},
        user_id ${key}, models ${json}, rpm ${whole}, tpm ${whole}, parallel ${whole}, max_price text,
        max_per_day text, budget_id ${key}, preset ${json},
        archive text not null check (archive in ('on', 'off', 'default')), redact ${json},
        cache text not null check (cache in ('own', 'shared', 'off', 'default')), expires_at ${whole},
        replaced_by ${key}, created_at ${whole} not null, revoked_at ${whole}, last_used_at ${whole}`,
      ),
      'create index keys_by_project on keys (project, created_at)',
      'create index keys_by_user on keys (user_id, created_at)',
      'create index keys_by_time on keys (created_at, id)',
      table(
        'budgets',
        `id ${key} primary key, scope text not null check (scope in ('key', 'project', 'user', 'node')),
        scope_id ${key} not null, amount ${whole} not null check (amount >= 0),
        spent ${whole} not null check (spent >= 0),
        "window" text not null check ("window" in ('hour', 'day', 'week', 'month', 'total')),
        window_start ${whole} not null, hard ${flag} not null, created_at ${whole} not null,
        unique (scope, scope_id, "window")`,
      ),
      table(
        'alerts',
        `id ${key} primary key, rule ${key} not null, subject text not null,
        state text not null check (state in ('firing', 'resolved')), value ${real} not null,
        threshold ${real} not null, started_at ${whole} not null, ended_at ${whole}, message text not null`,
      ),
      'create index alerts_by_time on alerts (started_at, id)',
      'create index alerts_by_state on alerts (state, started_at)',
    ]
  },
}

const requests: Migration = {
  name: 'requests and their sums',
  statements: dialect => {
    const { key, whole, json, flag, clock, dollars } = dialect.types
    const table = tableOf(dialect)
    const sums = `requests ${whole} not null, failures ${whole} not null, cached ${whole} not null,
      tokens_input ${whole} not null, tokens_output ${whole} not null, cost ${whole} not null,
      response_time_sum ${whole} not null, response_time_max ${whole} not null,
      ${histogramColumns.map(name => `${name} integer not null`).join(', ')}`
    const grain = `hour ${whole} not null, endpoint ${key} not null, provider ${key} not null, model ${key} not null,
      status integer not null`
    const filtered = ['endpoint', 'provider', 'model', 'status', 'key_id', 'project', 'user_id']
    return [
      table(
        'requests',
        `id ${key} primary key, timestamp ${clock} not null, endpoint ${key} not null, provider_id ${key},
        provider ${key}, model ${key} not null, served_model text, status integer not null, error_code text,
        response_time ${whole} not null, first_chunk_ms ${whole}, tokens_input ${whole} not null,
        tokens_output ${whole} not null, cost ${dollars}, cost_units text, key_id ${key}, user_id ${key},
        project ${key}, cache text not null check (cache in ('hit', 'miss', 'off')), is_stream ${flag} not null,
        is_partial ${flag} not null, attempts ${json} not null, request ${json} not null, response ${json} not null`,
      ),
      'create index requests_by_time on requests (timestamp, id)',
      ...filtered.map(column => `create index requests_by_${column} on requests (${column}, timestamp, id)`),
      table('stats_hourly', `${grain}, ${sums}, primary key (hour, endpoint, provider, model, status)`),
      table(
        'stats_hourly_keys',
        `${grain}, key_id ${key} not null, project ${key} not null, ${sums},
        primary key (hour, endpoint, provider, model, status, key_id, project)`,
      ),
      'create index stats_hourly_keys_by_key on stats_hourly_keys (key_id, hour)',
      'create index stats_hourly_keys_by_project on stats_hourly_keys (project, hour)',
    ]
  },
}

const texts: Migration = {
  name: 'archive and logs',
  statements: dialect => {
    const { key, json, flag, clock } = dialect.types
    const table = tableOf(dialect)
    return [
      table('inputs', `id ${key} primary key, content text not null, timestamp ${clock} not null`),
      'create index inputs_by_time on inputs (timestamp, id)',
      table(
        'responses',
        `id ${key} primary key, input_id ${key} not null unique references inputs (id) on delete cascade,
        content text not null, status integer not null, is_partial ${flag} not null, error_code text,
        timestamp ${clock} not null`,
      ),
      table(
        'logs',
        `id ${key} primary key, timestamp ${clock} not null,
        level text not null check (level in ('debug', 'info', 'warn', 'error')), component ${key} not null,
        message text not null, request_id ${key}, fields ${json} not null`,
      ),
      'create index logs_by_time on logs (timestamp, id)',
      'create index logs_by_level on logs (level, timestamp, id)',
      'create index logs_by_component on logs (component, timestamp, id)',
      'create index logs_by_request on logs (request_id, timestamp)',
      ...(dialect.name === 'postgres' ? [indexOfWords] : []),
    ]
  },
}

/** Makes the search in messages quick where the server has the extension and lets us have it; without it the search reads. */
const indexOfWords = `do $$ begin
  create extension if not exists pg_trgm;
  create index logs_by_words on logs using gin (lower(message) gin_trgm_ops);
exception when others then null; end $$`

const machineSessions: Migration = {
  name: 'sessions of the machine',
  statements: dialect => {
    if (dialect.name === 'postgres') return ['alter table sessions alter column user_id drop not null']
    const columns = `id, user_id, family, refresh_hash, created_at, expires_at, rotated_at, revoked_at, user_agent`
    // SQLite takes no constraint away: the rows move to a table without it.
    return [
      tableOf(dialect)(
        'sessions_moved',
        `id text primary key, user_id text references users (id) on delete cascade, family text not null,
        refresh_hash text not null unique, created_at integer not null, expires_at integer not null,
        rotated_at integer, revoked_at integer, user_agent text not null`,
      ),
      `insert into sessions_moved (${columns}) select ${columns} from sessions`,
      'drop table sessions',
      'alter table sessions_moved rename to sessions',
      'create index sessions_by_user on sessions (user_id, created_at)',
      'create index sessions_by_family on sessions (family)',
      'create index sessions_by_expiry on sessions (expires_at)',
    ]
  },
}

const chats: Migration = {
  name: 'chats',
  statements: dialect => {
    const { key, whole, json, flag } = dialect.types
    const table = tableOf(dialect)
    const dated = `updated_at ${whole} not null, changed_at ${whole} not null`
    return [
      table(
        'chats',
        `owner ${key} not null, id ${key} not null, title text not null, folder_id ${key}, pinned ${flag} not null,
        model text, system_prompt text not null, parameters ${json} not null, head_id ${key},
        created_at ${whole} not null, deleted_at ${whole}, ${dated}, primary key (owner, id)`,
      ),
      'create index chats_by_change on chats (owner, changed_at, id)',
      'create index chats_deleted on chats (changed_at) where deleted_at is not null',
      table(
        'messages',
        `owner ${key} not null, chat_id ${key} not null, id ${key} not null, document ${json} not null,
        bytes ${whole} not null, ${dated}, primary key (owner, chat_id, id)`,
      ),
      table(
        'folders',
        `owner ${key} not null, id ${key} not null, name text not null, system_prompt text not null,
        created_at ${whole} not null, deleted_at ${whole}, ${dated}, primary key (owner, id)`,
      ),
      'create index folders_deleted on folders (changed_at) where deleted_at is not null',
    ]
  },
}

const chatSizes: Migration = {
  name: 'sizes of chats',
  statements: ({ types: { whole } }) => [
    `alter table chats add column bytes ${whole} not null default 0`,
    `update chats set bytes = coalesce((select sum(messages.bytes) from messages
      where messages.owner = chats.owner and messages.chat_id = chats.id), 0)`,
    // Sizes are added up with each change, and documents are long: they are not to be read for it.
    'create index chats_by_size on chats (owner, deleted_at, bytes)',
    'create index messages_by_size on messages (owner, chat_id, bytes)',
  ],
}

export const migrations: readonly Migration[] = [management, requests, texts, machineSessions, chats, chatSizes]

function tableOf({ name }: Dialect): (table: string, columns: string) => string {
  return (table, columns) => `create table ${table} (${columns})${name === 'sqlite' ? ' strict' : ''}`
}
