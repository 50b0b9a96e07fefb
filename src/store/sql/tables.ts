import type {
  AlertRow,
  BudgetRow,
  ChatRow,
  ConfigurationRow,
  EndpointRow,
  FolderRow,
  InputRow,
  KeyRow,
  LogRow,
  MessageRow,
  ProviderRow,
  RequestRow,
  ResponseRow,
  SessionRow,
  UserRow,
} from '../../core/index.ts'

/** What a cell may hold on its way to a database or from it; which of these depends on the dialect. */
export type Cell = string | number | bigint | boolean | Date | null

type Columns<Names extends PropertyKey> = { [Name in Names]: Cell }
type Renamed<Row, Field extends keyof Row, Column extends string> = Columns<Exclude<keyof Row, Field> | Column>

/** Fields whose column has another name. */
export const renamed = {
  endpoints: { isActive: 'active' },
  users: { isTotpConfirmed: 'totpConfirmed' },
  budgets: { isHard: 'hard' },
  chats: { isPinned: 'pinned' },
} as const satisfies Partial<Record<keyof Rows, Record<string, string>>>

/** What stands in each table, as the rest of the program sees it. */
export interface Rows {
  providers: ProviderRow
  endpoints: EndpointRow
  configurations: ConfigurationRow
  requests: RequestRow
  inputs: InputRow
  responses: ResponseRow
  logs: LogRow
  users: UserRow
  sessions: SessionRow
  keys: KeyRow
  budgets: BudgetRow
  alerts: AlertRow
  chats: ChatRow
  messages: MessageRow
  folders: FolderRow
}

export const dimensions = ['hour', 'endpoint', 'provider', 'model', 'status'] as const
export const keyDimensions = [...dimensions, 'keyId', 'project'] as const
export const counters = [
  'requests',
  'failures',
  'cached',
  'tokensInput',
  'tokensOutput',
  'cost',
  'responseTimeSum',
] as const

/** Upper ends of the histogram's columns `b0`, `b1`, …, in milliseconds; what is longer stands in the last one. */
export const histogramMs = [
  10, 25, 50, 100, 200, 350, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 30_000, 60_000,
  120_000,
] as const
export type HistogramColumn = `b${number}`
export const histogramColumns = Array.from({ length: histogramMs.length + 1 }, (_, at): HistogramColumn => `b${at}`)

type Sums = Columns<(typeof counters)[number] | 'responseTimeMax' | HistogramColumn>

/** Tables and columns in the query builder's spelling; in the database they are written with underscores. */
export interface Tables {
  providers: Columns<keyof ProviderRow>
  endpoints: Renamed<EndpointRow, 'isActive', 'active'>
  configurations: Columns<keyof ConfigurationRow>
  requests: Columns<keyof RequestRow>
  inputs: Columns<keyof InputRow>
  responses: Columns<keyof ResponseRow>
  logs: Columns<keyof LogRow>
  users: Renamed<UserRow, 'isTotpConfirmed', 'totpConfirmed'>
  sessions: Columns<keyof SessionRow>
  keys: Columns<keyof KeyRow>
  budgets: Renamed<BudgetRow, 'isHard', 'hard'>
  alerts: Columns<keyof AlertRow>
  chats: Renamed<ChatRow, 'isPinned', 'pinned'>
  messages: Columns<keyof MessageRow>
  folders: Columns<keyof FolderRow>
  statsHourly: Columns<(typeof dimensions)[number]> & Sums
  statsHourlyKeys: Columns<(typeof keyDimensions)[number]> & Sums
  meta: Columns<'name' | 'value'>
  schemaMigrations: Columns<'version' | 'name' | 'appliedAt'>
}

/**
 * How a field is kept where it is not simply text or a number: `clock` is a timestamp with time zone where there is one,
 * `dollars` is a decimal number where there is one, `units` are text because they fit no integer, `rounded` are whole numbers
 * that may come with a fraction.
 */
export type Kind = 'json' | 'flag' | 'clock' | 'dollars' | 'units' | 'integer' | 'rounded'

export const kinds: { readonly [Table in keyof Rows]: Readonly<Partial<Record<keyof Rows[Table], Kind>>> } = {
  providers: { config: 'json' },
  endpoints: { isActive: 'flag', mapping: 'json' },
  configurations: { document: 'json', isActive: 'flag' },
  requests: {
    timestamp: 'clock',
    responseTime: 'rounded',
    firstChunkMs: 'rounded',
    tokensInput: 'rounded',
    tokensOutput: 'rounded',
    cost: 'dollars',
    costUnits: 'units',
    isStream: 'flag',
    isPartial: 'flag',
    attempts: 'json',
    request: 'json',
    response: 'json',
  },
  inputs: { timestamp: 'clock' },
  responses: { timestamp: 'clock', isPartial: 'flag' },
  logs: { timestamp: 'clock', fields: 'json' },
  users: { isTotpConfirmed: 'flag' },
  sessions: {},
  keys: { models: 'json', maxPrice: 'units', maxPerDay: 'units', preset: 'json', redact: 'json' },
  budgets: { amount: 'integer', spent: 'integer', isHard: 'flag' },
  alerts: {},
  chats: { isPinned: 'flag', parameters: 'json' },
  messages: { document: 'json' },
  folders: {},
}
