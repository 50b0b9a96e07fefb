import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './theme.css'
import { ApiError } from '../openai/stream-client.ts'
import { router } from './app/router.tsx'
import { startWorker, watchVersion } from './app/worker.ts'
import { fillIn } from './client/plain-http.ts'
import { start, useSession } from './client/session.ts'
import { followSystem } from './parts/appearance.ts'
import { TipProvider } from './parts/tip.tsx'
import { startConnections } from './storage/connections/connections.ts'
import { startWords } from './words/index.ts'

const retriesMax = 2

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What was refused once is refused again.
      retry: (failures, error) =>
        failures < retriesMax && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
})

fillIn()
// What somebody has read is not for who comes next.
useSession.subscribe((now, before) => {
  if (before.state === 'signed_in' && now.state !== 'signed_in') queries.clear()
})

// Who it is is asked for while the rest is made ready.
void start()
await startWords()
followSystem()
startConnections()

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <TipProvider delayDuration={400}>
        <RouterProvider router={router} />
      </TipProvider>
    </QueryClientProvider>
  </StrictMode>,
)

watchVersion()
startWorker()
