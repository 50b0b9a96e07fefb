import type { EventLog, Management } from '../../core/index.ts'
import type { Routes } from '../routes.ts'
import type { SseWriterOptions } from '../sse-writer.ts'
import { authRoutes } from './auth.ts'
import { budgetRoutes } from './budgets.ts'
import { chatRoutes } from './chats.ts'
import { configurationRoutes } from './configurations.ts'
import { pageOf } from './docs-page.ts'
import { doctorRoutes } from './doctor.ts'
import { endpointRoutes } from './endpoints.ts'
import { escrowRoutes } from './escrow.ts'
import { eventRoutes } from './events.ts'
import { keyRoutes } from './keys.ts'
import { mediaRoutes } from './media.ts'
import { modelRoutes, modelsPath } from './models.ts'
import { networkRoutes } from './network.ts'
import { type DocumentPage, documentationRoutes, documentOf, type OpenApi } from './openapi.ts'
import { operationRoutes } from './operations.ts'
import { providerRoutes } from './providers.ts'
import { requestRoutes } from './requests.ts'
import type { AdminRoute } from './route.ts'
import { type AdminRouterOptions, adminPrefix, createAdminRouter } from './router.ts'
import { sellingRoutes } from './selling.ts'
import { sessionRoutes } from './sessions.ts'
import { type StatusOptions, statusRoutes } from './status.ts'
import {
  type TranscriptionOptions,
  transcriptionCallPath,
  transcriptionPath,
  transcriptionRoutes,
} from './transcription.ts'
import { userRoutes } from './users.ts'
import { walletRoutes } from './wallet.ts'

export type { AdminRoute } from './route.ts'

export interface AdminRoutesOptions extends AdminRouterOptions, StatusOptions, TranscriptionOptions, SseWriterOptions {
  readonly management: Management
  /** Without it nobody can follow what happens. */
  readonly log?: EventLog
}

/** Answers whoever asks, under whatever name of the machine. */
export const healthPath = '/api/status/health'

/** Paths that say what an app may ask for, or ask it: who calls is who calls the API path beside them. */
export const pathsAsApp: Readonly<Record<string, string>> = {
  [`${adminPrefix}${modelsPath}`]: '/v1/models',
  [`${adminPrefix}${transcriptionPath}`]: transcriptionCallPath,
}

/** The management of a node, as routes of its front. */
export function adminRoutes(options: AdminRoutesOptions): Routes {
  return createAdminRouter(adminTable(options), options)
}

/** Everything that can be asked below `/api`. */
export function adminTable(options: AdminRoutesOptions): readonly AdminRoute[] {
  const { log, management } = options
  let document: OpenApi | undefined
  let page: DocumentPage | undefined
  const documentNow = () => (document ??= documentOf(table, management.status.health().version))
  const table: AdminRoute[] = [
    ...authRoutes,
    ...providerRoutes,
    ...endpointRoutes,
    ...configurationRoutes,
    ...requestRoutes,
    ...keyRoutes,
    ...budgetRoutes,
    ...userRoutes,
    ...sessionRoutes,
    ...chatRoutes,
    ...mediaRoutes,
    ...operationRoutes,
    ...walletRoutes,
    ...escrowRoutes,
    ...networkRoutes,
    ...sellingRoutes,
    ...doctorRoutes,
    ...modelRoutes,
    ...transcriptionRoutes(options),
    ...statusRoutes(options),
    ...(log === undefined ? [] : eventRoutes({ ...options, log })),
    ...documentationRoutes(documentNow, () => (page ??= pageOf(documentNow()))),
  ]
  return table
}
