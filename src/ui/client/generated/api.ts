// Generated from the table of routes by npm run generate:ui. Do not edit.

export type Alert = { id: string; rule: string; subject: string; state: "firing" | "resolved"; value: number; threshold: number; startedAt: string; endedAt: string | null; message: string }

export type Budget = { id: string; scope: "key" | "project" | "user" | "node"; scopeId: string; amount: string; spent: string; window: "hour" | "day" | "week" | "month" | "total"; windowStart: string; hard: boolean; createdAt: string }

export type Chain = { id: string; name: string; blockNumber: string | null; readAt: string | null; isStale: boolean; error: string | null }

export type Chat = { id: string; title: string; folderId: string | null; isPinned: boolean; model: string | null; systemPrompt: string; parameters: { temperature?: number; topP?: number; maxTokens?: number }; headId: string | null; createdAt: number; updatedAt: number; deletedAt: number | null; changedAt: number }

export type ChatAttachment = { id: string; name: string; mediaType: string; bytes: number; kind: "image" | "text" | "audio"; text?: string; dataUrl?: string }

export type ChatDocument = { id: string; title: string; folderId: string | null; isPinned: boolean; model: string | null; systemPrompt: string; parameters: { temperature?: number; topP?: number; maxTokens?: number }; headId: string | null; createdAt: number; updatedAt: number; deletedAt: number | null }

export type ChatFolder = { id: string; name: string; systemPrompt: string; createdAt: number; updatedAt: number; deletedAt: number | null; changedAt: number }

export type ChatFolderDocument = { id: string; name: string; systemPrompt: string; createdAt: number; updatedAt: number; deletedAt: number | null }

export type ChatMessage = { id: string; chatId: string; parentId: string | null; role: "user" | "assistant"; text: string; reasoning?: string; attachments?: readonly (ChatAttachment)[]; toolCalls?: readonly (Record<string, unknown>)[]; model?: string; state: "done" | "stopped" | "failed" | "cut"; error?: { code: string; message: string }; usage?: { prompt: number; completion: number; cached?: number }; facts?: { requestId?: string; provider?: string; servedModel?: string; ttftMs?: number; totalMs?: number; tokensPerSecond?: number; cost?: string; currency?: string; notices?: readonly ({ text: string })[] }; createdAt: number; updatedAt: number }

export type ClaimMove = { transaction: string | null; transactions: readonly (string)[]; paid: string; rows: readonly ({ payer: string; cumulative: string; paid: string; reason: string | null })[]; failure: string | null }

export type Configuration = { id: string; name: string; description: string; active: boolean; createdAt: string; updatedAt: string; document: Record<string, unknown> }

export type ConfigurationChanges = { created: readonly (string)[]; updated: readonly (string)[]; removed: readonly (string)[]; endpoints: readonly (string)[]; routing: boolean; withoutKey: readonly (string)[] }

export type ConfigurationDocument = { schema: number; providers: readonly ({ name: string; type: "peer" | "local" | "api" | "web"; provider: string; config: Record<string, unknown>; status: "active" | "disabled"; key?: string })[]; endpoints: readonly ({ path: string; active: boolean; mapping: Record<string, unknown> })[]; routing: Record<string, unknown> }

export type ConfigurationSummary = { id: string; name: string; description: string; active: boolean; createdAt: string; updatedAt: string }

export type DryRun = { provider: string | null; model: string; reason: string | null; body: Record<string, unknown>; candidates: readonly ({ name: string; place?: number; why: string })[] }

export type Earnings = { groupBy: "hour" | "day" | "payer"; data: readonly ({ start: string | null; payer: string | null; earned: string; calls: number })[]; total: { earned: string; calls: number } }

export type Endpoint = { id: string; path: string; active: boolean; mapping: Record<string, unknown>; updatedAt: string | null }

export type Error = { error: { message: string; type: string; param: string | null; code: string } }

export type Escrow = { chain: Chain | null; token: Token | null; state: "closed" | "open" | "exiting" | "withdrawable" | null; epoch: string | null; isOurs: boolean | null; exit: { readyAt: string } | null; exitDelaySeconds: number | null; providers: readonly ({ provider: string; peerId: string | null; epoch: string; authorized: string; charged: string; claimed: string; reserved: string; models: readonly (string)[]; lastReceiptAt: string | null })[]; whereIsMyMoney: WhereIsMyMoney | null }

export type EscrowMove = { transaction: string; state: "closed" | "open" | "exiting" | "withdrawable"; readyAt: string | null; whereIsMyMoney: WhereIsMyMoney | null }

export type Finding = { name: string; state: "ok" | "warning" | "failed"; found: string; next: string | null }

export type Invited = { user: User; invitation: string | null }

export type Key = { id: string; name: string; tail: string; project: string | null; userId: string | null; models: readonly (string)[] | null; rpm: number | null; tpm: number | null; parallel: number | null; maxPrice: string | null; maxPerDay: string | null; budgetId: string | null; preset: Record<string, unknown> | null; archive: "on" | "off" | "default"; redact: Record<string, unknown> | null; cache: "own" | "shared" | "off" | "default"; expiresAt: string | null; replacedBy: string | null; createdAt: string; revokedAt: string | null; lastUsedAt: string | null }

export type LogLine = { id: string; timestamp: string; level: "debug" | "info" | "warn" | "error"; component: string; message: string; requestId: string | null; fields: Record<string, unknown> }

export type Me = { kind: "user" | "key" | "machine"; role: "user" | "viewer" | "operator" | "admin"; user: User | null; key: { id: string; name: string; tail: string; project: string | null } | null }

export type ModelOffer = { provider: string; kind: "local" | "peer" | "api"; privacy: "local" | "peer" | "upstream"; state: "up" | "resting" | "down"; running: number; priceIn: string | null; priceOut: string | null; currency: string | null; unit: string; ttftP50Ms: number | null; ttftP95Ms: number | null; tokensPerSecond: number | null; uptime: number | null; contextLength: number | null }

export type Network = { chain: Chain | null; token: Token | null; rpc: readonly ({ host: string; blockNumber: string | null; ms: number; error: string | null })[]; peer: { peerId: string; addresses: readonly (string)[]; connected: number } | null; total: number; providers: readonly ({ provider: string; peerId: string; endpoint: string; stake: string; exitAt: string | null; offers: number; models: readonly ({ id: string; pricing: { prompt: string; completion: string; unit: string } | null })[]; state: "up" | "failing" | "unknown" | "leaving" | "unwanted" | "self"; error: { code: string; message: string } | null; learnedAt: string | null; self: boolean })[] }

export type NewKey = { key: Key; secret: string }

export type OfferedModel = { id: string; contextLength: number | null; maxOutputTokens: number | null; capabilities: readonly (string)[] | null; pricing: { prompt: string; completion: string; currency: string } | null; offers: readonly (ModelOffer)[] }

export type Pass = { accessToken: string; expiresInSeconds: number; refreshToken: string | null; cookieKey: string | null; refreshExpiresInSeconds: number }

export type Provider = { id: string; name: string; type: "peer" | "local" | "api" | "web"; provider: string; config: Record<string, unknown>; status: "active" | "disabled"; keySource: "none" | "variable" | "sealed"; keyHint: string | null; live: { name: string; source: "file" | "store" | "code"; kind: string; state: "up" | "resting" | "down"; coolsDownUntil?: string; lastErrorCode?: string; models: readonly (string)[]; running: number } | null; createdAt: string; updatedAt: string }

export type Reach = { ok: boolean; ms: number; error: { code: string; message: string } | null }

export type Reloaded = { generation: number; needsRestart: readonly (string)[] }

export type Request = { id: string; timestamp: string; endpoint: string; providerId: string | null; provider: string | null; model: string; servedModel: string | null; status: number; errorCode: string | null; responseTime: number; firstChunkMs: number | null; tokensInput: number; tokensOutput: number; cost: string | null; costUnits: string | null; keyId: string | null; userId: string | null; project: string | null; cache: "hit" | "miss" | "off"; stream: boolean; partial: boolean }

export type RequestDetail = { id: string; timestamp: string; endpoint: string; providerId: string | null; provider: string | null; model: string; servedModel: string | null; status: number; errorCode: string | null; responseTime: number; firstChunkMs: number | null; tokensInput: number; tokensOutput: number; cost: string | null; costUnits: string | null; keyId: string | null; userId: string | null; project: string | null; cache: "hit" | "miss" | "off"; stream: boolean; partial: boolean; attempts: readonly (Record<string, unknown>)[]; request: Record<string, unknown>; response: Record<string, unknown>; input: string | null; output: string | null }

export type Selling = { chain: Chain | null; token: Token | null; enabled: boolean; registered: { stake: string; exitAt: string | null; endpoint: string; payout: string; signer: string } | null; terms: { minStake: string; unbondingSeconds: number } | null; offers: readonly ({ modelId: string; model: string | null; unit: string; priceIn: string; priceOut: string; contextTokens: number; registry: { priceIn: string; priceOut: string; contextTokens: number } | null; isListed: boolean })[]; payers: readonly ({ payer: string; epoch: string; authorized: string; charged: string; claimed: string; owed: string })[]; totals: { earned: string; claimed: string; owed: string }; gasEstimate: string | null }

export type SellingMove = { transaction: string | null; state: "unregistered" | "active" | "leaving"; stake: string; readyAt: string | null }

export type Session = { id: string; userId: string | null; createdAt: string; expiresAt: string; userAgent: string; current: boolean }

export type Shares = { from: string; to: string; data: readonly ({ name: string | null; requests: number; failures: number; cached: number; tokensInput: number; tokensOutput: number; cost: string; averageMs: number | null; p50Ms: number | null; p95Ms: number | null; maxMs: number | null })[] }

export type Stats = { buckets: readonly ({ from: string; to: string; requests: number; failures: number; cached: number; tokensInput: number; tokensOutput: number; cost: string; averageMs: number | null; p50Ms: number | null; p95Ms: number | null; maxMs: number | null })[]; total: { requests: number; failures: number; cached: number; tokensInput: number; tokensOutput: number; cost: string; averageMs: number | null; p50Ms: number | null; p95Ms: number | null; maxMs: number | null } }

export type Status = { version: string; uptimeSeconds: number; store: "up" | "down"; shared: "alone" | "joined" | "cut_off"; upstreams: readonly ({ name: string; source: "file" | "store" | "code"; kind: string; state: "up" | "resting" | "down"; coolsDownUntil?: string; lastErrorCode?: string; models: readonly (string)[]; running: number })[]; queues: Record<string, number>; summary: Summary }

export type Summary = { chain: { id: string; blockNumber: string | null; isStale: boolean; error: string | null } | null; peers: number | null; models: number; balance: { escrow: string; symbol: string; decimals: number } | null; selling: boolean; archive: boolean }

export type TestResult = { ok: boolean; latencyMs: number; firstChunkMs: number | null; model: string | null; text: string | null; usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null; error: { code: string; message: string } | null }

export type Token = { symbol: string; decimals: number; address: string }

export type User = { id: string; email: string; name: string; role: "user" | "viewer" | "operator" | "admin"; status: "active" | "disabled" | "invited"; totp: boolean; priceMultiplier: number; createdAt: string; lastLoginAt: string | null }

export type Wallet = { state: "none" | "locked" | "open"; name: string | null; address: string | null; chain: Chain | null; token: Token | null; balances: { wallet: string; gas: string; escrow: string; reserved: string } | null; exit: { readyAt: string } | null; caps: { perRequest: string; perHour: string; perDay: string; spentToday: string } | null; faucet: boolean; others: readonly ({ name: string; address: string | null })[] }

export type WalletMove = { transaction: string; state: "none" | "locked" | "open"; balances: { wallet: string; gas: string; escrow: string; reserved: string } | null }

export type Welcome = { state: "confirm" | "done"; pass: Pass | null; secret: string | null }

export type WhereIsMyMoney = { wallet: string; escrow: string; free: string; reserved: string; owed: string; refundable: string; total: string; claimed: string; uncovered: string }

/** What each route below /api takes and answers. */

export interface ApiRoutes {
  'DELETE /budgets/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: undefined }
  'DELETE /chats/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: undefined }
  'DELETE /configs/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: undefined }
  'DELETE /folders/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: undefined }
  'DELETE /keys/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: undefined }
  'DELETE /providers/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: undefined }
  'DELETE /sessions': { params: Record<never, never>; query: { userId?: string | number }; body: undefined; answer: { ended: number } }
  'DELETE /sessions/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: undefined }
  'DELETE /users/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: undefined }
  'GET /alerts': { params: Record<never, never>; query: { state?: "firing" | "resolved"; rule?: string | number; from?: string | number; to?: string | number; page?: number; limit?: number }; body: undefined; answer: { data: readonly (Alert)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /alerts/firing': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { data: readonly (Alert)[] } }
  'GET /auth/me': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: Me }
  'GET /auth/state': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { users: boolean; signUp: boolean; mail: boolean } }
  'GET /budgets': { params: Record<never, never>; query: { scope?: "key" | "project" | "user" | "node"; scopeId?: string | number; page?: number; limit?: number }; body: undefined; answer: { data: readonly (Budget)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /budgets/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: Budget }
  'GET /chats': { params: Record<never, never>; query: { since?: string | number; page?: number; limit?: number }; body: undefined; answer: { data: readonly (Chat)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /chats/:id': { params: { id: string }; query: { since?: string | number }; body: undefined; answer: { chat: Chat; messages: readonly (ChatMessage)[] } }
  'GET /configs': { params: Record<never, never>; query: { page?: number; limit?: number }; body: undefined; answer: { data: readonly (ConfigurationSummary)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /configs/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: Configuration }
  'GET /configs/export': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: ConfigurationDocument }
  'GET /docs': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: unknown }
  'GET /doctor': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { data: readonly (Finding)[] } }
  'GET /endpoints': { params: Record<never, never>; query: { status?: "active" | "inactive"; active?: "true" | "false"; page?: number; limit?: number }; body: undefined; answer: { data: readonly (Endpoint)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /endpoints/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: Endpoint }
  'GET /escrow': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: Escrow }
  'GET /events': { params: Record<never, never>; query: { types?: string | number }; body: undefined; answer: unknown }
  'GET /folders': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { data: readonly (ChatFolder)[] } }
  'GET /keys': { params: Record<never, never>; query: { project?: string | number; userId?: string | number; revoked?: "true" | "false"; page?: number; limit?: number }; body: undefined; answer: { data: readonly (Key)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /keys/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: Key }
  'GET /logs': { params: Record<never, never>; query: { level?: "debug" | "info" | "warn" | "error"; component?: string | number; requestId?: string | number; search?: string | number; from?: string | number; to?: string | number; page?: number; limit?: number }; body: undefined; answer: { data: readonly (LogLine)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /logs/level': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { level: string } }
  'GET /models': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { data: readonly (OfferedModel)[] } }
  'GET /network': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: Network }
  'GET /openapi.json': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: unknown }
  'GET /providers': { params: Record<never, never>; query: { type?: "peer" | "local" | "api" | "web"; status?: "active" | "disabled"; page?: number; limit?: number }; body: undefined; answer: { data: readonly (Provider)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /providers/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: Provider }
  'GET /requests': { params: Record<never, never>; query: { provider?: string | number; endpoint?: string | number; model?: string | number; keyId?: string | number; project?: string | number; from?: string | number; to?: string | number; status?: string | number; userId?: string | number; page?: number; limit?: number }; body: undefined; answer: { data: readonly (Request)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /requests/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: RequestDetail }
  'GET /requests/shares': { params: Record<never, never>; query: { provider?: string | number; endpoint?: string | number; model?: string | number; keyId?: string | number; project?: string | number; from?: string | number; to?: string | number; of?: "provider" | "endpoint" | "model" | "project" | "keyId"; limit?: number }; body: undefined; answer: Shares }
  'GET /requests/stats': { params: Record<never, never>; query: { provider?: string | number; endpoint?: string | number; model?: string | number; keyId?: string | number; project?: string | number; from?: string | number; to?: string | number; groupBy?: "hour" | "day" | "week" | "month"; timeZone?: string | number }; body: undefined; answer: Stats }
  'GET /route/explain': { params: Record<never, never>; query: { model?: string | number; provider?: readonly (string)[]; policy?: "balanced" | "weighted" | "priority" | "fastest" | "cheapest" | "least-busy" | "private" | "trusted"; key?: string | number; task?: "chat" | "completion" | "embedding" | "image" | "imageEdit" | "imageVariation" | "speech" | "transcription" | "translation" | "moderation" | "rerank"; needs?: readonly ("vision" | "tools" | "json")[]; textBytes?: string | number; maxTokens?: string | number }; body: undefined; answer: unknown }
  'GET /selling': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: Selling }
  'GET /selling/earnings': { params: Record<never, never>; query: { groupBy?: "hour" | "day" | "payer"; from?: string | number; to?: string | number }; body: undefined; answer: Earnings }
  'GET /sessions': { params: Record<never, never>; query: { userId?: string | number; page?: number; limit?: number }; body: undefined; answer: { data: readonly (Session)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /status': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: Status }
  'GET /status/health': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { status: "ok"; version: string; uptimeSeconds: number } }
  'GET /transcription': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { available: boolean; models: readonly (string)[] } }
  'GET /users': { params: Record<never, never>; query: { role?: "user" | "viewer" | "operator" | "admin"; status?: "active" | "disabled" | "invited"; page?: number; limit?: number }; body: undefined; answer: { data: readonly (User)[]; total: number; hasMore?: true; page: number; limit: number } }
  'GET /users/:id': { params: { id: string }; query: Record<never, never>; body: undefined; answer: User }
  'GET /wallet': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: Wallet }
  'POST /auth/invitation': { params: Record<never, never>; query: Record<never, never>; body: { token: string; password: string; cookie?: boolean }; answer: Pass }
  'POST /auth/link': { params: Record<never, never>; query: Record<never, never>; body: Record<string, unknown>; answer: { code: string } }
  'POST /auth/link/redeem': { params: Record<never, never>; query: Record<never, never>; body: { code: string; cookie?: boolean }; answer: Pass }
  'POST /auth/login': { params: Record<never, never>; query: Record<never, never>; body: { email: string; password: string; code?: string; cookie?: boolean }; answer: Pass }
  'POST /auth/logout': { params: Record<never, never>; query: Record<never, never>; body: { refreshToken?: string; cookieKey?: string }; answer: undefined }
  'POST /auth/password': { params: Record<never, never>; query: Record<never, never>; body: { current: string; next: string; cookie?: boolean }; answer: Pass }
  'POST /auth/password/forgot': { params: Record<never, never>; query: Record<never, never>; body: { email: string }; answer: undefined }
  'POST /auth/password/reset': { params: Record<never, never>; query: Record<never, never>; body: { email: string; code: string; password: string }; answer: undefined }
  'POST /auth/refresh': { params: Record<never, never>; query: Record<never, never>; body: { refreshToken?: string; cookieKey?: string }; answer: Pass }
  'POST /auth/setup': { params: Record<never, never>; query: Record<never, never>; body: { token: string; email: string; name: string; password: string; cookie?: boolean }; answer: Pass }
  'POST /auth/signup': { params: Record<never, never>; query: Record<never, never>; body: { email: string; name: string; password: string; cookie?: boolean }; answer: Welcome }
  'POST /auth/signup/confirm': { params: Record<never, never>; query: Record<never, never>; body: { email: string; password: string; code: string; cookie?: boolean }; answer: Welcome }
  'POST /auth/totp': { params: Record<never, never>; query: Record<never, never>; body: undefined; answer: { secret: string; uri: string } }
  'POST /auth/totp/confirm': { params: Record<never, never>; query: Record<never, never>; body: { code: string }; answer: undefined }
  'POST /auth/totp/remove': { params: Record<never, never>; query: Record<never, never>; body: { code: string }; answer: undefined }
  'POST /budgets': { params: Record<never, never>; query: Record<never, never>; body: { scope: "key" | "project" | "user" | "node"; scopeId?: string; amount: string; window: "hour" | "day" | "week" | "month" | "total"; hard?: boolean }; answer: Budget }
  'POST /cache/purge': { params: Record<never, never>; query: Record<never, never>; body: { keyId?: string }; answer: undefined }
  'POST /configs': { params: Record<never, never>; query: Record<never, never>; body: { name: string; description?: string }; answer: Configuration }
  'POST /configs/:id/activate': { params: { id: string }; query: Record<never, never>; body: undefined; answer: ConfigurationChanges }
  'POST /configs/import': { params: Record<never, never>; query: Record<never, never>; body: { config: { schema: 1; providers: readonly ({ name: string; type: "api" | "web"; provider: string; config: Record<string, unknown>; status: "active" | "disabled"; key?: string })[]; endpoints: readonly ({ path: string; active: boolean; mapping: Record<string, { targets: readonly ({ provider?: string; model?: string; weight?: number; priority?: number })[]; aliases?: readonly (string)[]; policy?: "balanced" | "weighted" | "priority" | "fastest" | "cheapest" | "least-busy" | "private" | "trusted"; continues?: boolean }> })[]; routing: Record<string, unknown> }; name?: string; dryRun?: boolean }; answer: ConfigurationChanges }
  'POST /endpoints/:id/test': { params: { id: string }; query: Record<never, never>; body: { request: Record<string, unknown> }; answer: DryRun }
  'POST /escrow/deposit': { params: Record<never, never>; query: Record<never, never>; body: { amount: string }; answer: EscrowMove }
  'POST /escrow/exit': { params: Record<never, never>; query: Record<never, never>; body: Record<string, unknown>; answer: EscrowMove }
  'POST /escrow/withdraw': { params: Record<never, never>; query: Record<never, never>; body: Record<string, unknown>; answer: EscrowMove }
  'POST /keys': { params: Record<never, never>; query: Record<never, never>; body: { name: string; project?: string | null; userId?: string | null; models?: readonly (string)[] | null; rpm?: number | null; tpm?: number | null; parallel?: number | null; maxPrice?: string | null; maxPerDay?: string | null; budgetId?: string | null; preset?: { system?: string | null; defaults?: Record<string, unknown> | null; forced?: Record<string, unknown> | null; own?: "wins" | "refused"; aliases?: Record<string, string> | null } | null; archive?: "on" | "off" | "default"; redact?: Record<string, unknown> | null; cache?: "own" | "shared" | "off" | "default"; expiresAt?: string | null }; answer: NewKey }
  'POST /keys/:id/rotate': { params: { id: string }; query: Record<never, never>; body: { graceSeconds?: number }; answer: NewKey }
  'POST /media': { params: Record<never, never>; query: Record<never, never>; body: { url: string }; answer: unknown }
  'POST /network/:provider/reach': { params: { provider: string }; query: Record<never, never>; body: Record<string, unknown>; answer: Reach }
  'POST /providers': { params: Record<never, never>; query: Record<never, never>; body: { type: "api"; name: string; provider?: string; config: Record<string, unknown>; key?: string; status?: "active" | "disabled" } | { type: "web"; name: string; provider?: string; config: Record<string, unknown>; key?: string; status?: "active" | "disabled" }; answer: Provider }
  'POST /providers/:id/test': { params: { id: string }; query: Record<never, never>; body: { model: string; prompt?: string; parameters?: Record<string, unknown>; timeoutMs?: number }; answer: TestResult }
  'POST /reload': { params: Record<never, never>; query: Record<never, never>; body: Record<string, unknown>; answer: Reloaded }
  'POST /selling/claim': { params: Record<never, never>; query: Record<never, never>; body: Record<string, unknown>; answer: ClaimMove }
  'POST /selling/exit': { params: Record<never, never>; query: Record<never, never>; body: Record<string, unknown>; answer: SellingMove }
  'POST /selling/offers': { params: Record<never, never>; query: Record<never, never>; body: Record<string, unknown>; answer: SellingMove }
  'POST /selling/register': { params: Record<never, never>; query: Record<never, never>; body: { stake?: string; endpoint?: string }; answer: SellingMove }
  'POST /selling/stake': { params: Record<never, never>; query: Record<never, never>; body: { amount: string }; answer: SellingMove }
  'POST /transcription': { params: Record<never, never>; query: Record<never, never>; body: unknown; answer: { text: string; model: string; provider: string } }
  'POST /users': { params: Record<never, never>; query: Record<never, never>; body: { email: string; name: string; role: "user" | "viewer" | "operator" | "admin"; password?: string }; answer: Invited }
  'POST /users/:id/invite': { params: { id: string }; query: Record<never, never>; body: undefined; answer: Invited }
  'POST /wallet': { params: Record<never, never>; query: Record<never, never>; body: { name?: string; password: string }; answer: Wallet }
  'POST /wallet/faucet': { params: Record<never, never>; query: Record<never, never>; body: Record<string, unknown>; answer: WalletMove }
  'POST /wallet/import': { params: Record<never, never>; query: Record<never, never>; body: { name?: string; password: string; privateKey?: string; keystore?: string; keystorePassword?: string }; answer: Wallet }
  'POST /wallet/unlock': { params: Record<never, never>; query: Record<never, never>; body: { password: string }; answer: Wallet }
  'PUT /budgets/:id': { params: { id: string }; query: Record<never, never>; body: { amount?: string; hard?: boolean }; answer: Budget }
  'PUT /chats/:id': { params: { id: string }; query: Record<never, never>; body: { chat: ChatDocument; messages?: readonly (ChatMessage)[] }; answer: { chat: Chat } }
  'PUT /configs/:id': { params: { id: string }; query: Record<never, never>; body: { name?: string; description?: string }; answer: Configuration }
  'PUT /endpoints/:id': { params: { id: string }; query: Record<never, never>; body: { active?: boolean; mapping?: Record<string, { targets: readonly ({ provider?: string; model?: string; weight?: number; priority?: number })[]; aliases?: readonly (string)[]; policy?: "balanced" | "weighted" | "priority" | "fastest" | "cheapest" | "least-busy" | "private" | "trusted"; continues?: boolean }> }; answer: Endpoint }
  'PUT /folders/:id': { params: { id: string }; query: Record<never, never>; body: ChatFolderDocument; answer: ChatFolder }
  'PUT /keys/:id': { params: { id: string }; query: Record<never, never>; body: { name?: string; project?: string | null; userId?: string | null; models?: readonly (string)[] | null; rpm?: number | null; tpm?: number | null; parallel?: number | null; maxPrice?: string | null; maxPerDay?: string | null; budgetId?: string | null; preset?: { system?: string | null; defaults?: Record<string, unknown> | null; forced?: Record<string, unknown> | null; own?: "wins" | "refused"; aliases?: Record<string, string> | null } | null; archive?: "on" | "off" | "default"; redact?: Record<string, unknown> | null; cache?: "own" | "shared" | "off" | "default"; expiresAt?: string | null }; answer: Key }
  'PUT /logs/level': { params: Record<never, never>; query: Record<never, never>; body: { level: "debug" | "info" | "warn" | "error" }; answer: { level: string } }
  'PUT /providers/:id': { params: { id: string }; query: Record<never, never>; body: { name?: string; provider?: string; config?: Record<string, unknown>; key?: string | null; status?: "active" | "disabled" }; answer: Provider }
  'PUT /users/:id': { params: { id: string }; query: Record<never, never>; body: { name?: string; role?: "user" | "viewer" | "operator" | "admin"; status?: "active" | "disabled"; priceMultiplier?: number; password?: string }; answer: User }
}

