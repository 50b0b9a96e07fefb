import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Link,
  lazyRouteComponent,
} from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { isNode } from '../client/session.ts'
import { Button } from '../parts/button.tsx'
import { Page } from '../parts/page.tsx'
import { Empty, Failed, Waiting } from '../parts/states.tsx'
import { areas } from './pages.ts'
import { Shell } from './shell.tsx'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })

/** What is not there is never loaded by itself: an answer may be on its way that a new page would cut. */
async function loaded<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    throw new MissingPart('a part of the pages could not be loaded', { cause })
  }
}

class MissingPart extends Error {}

const home = isNode ? 'node' : 'static'
const routes = areas
  .flatMap(({ pages }) => pages)
  .filter(page => page.home === undefined || page.home === home)
  .map(({ path, load }) =>
    createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(() => loaded(load), 'Screen') }),
  )

/** A search is plain texts: what looks like a number stays as it was typed. */
function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search))
}

function stringifySearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: 'intent',
  defaultPendingComponent: Pending,
  defaultPendingMs: 300,
  defaultErrorComponent: Crashed,
  parseSearch,
  stringifySearch,
  scrollRestoration: false,
})

function Pending() {
  return (
    <div className="mx-auto w-full max-w-3xl p-8">
      <Waiting />
    </div>
  )
}

function Crashed({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation()
  if (error instanceof MissingPart) return <Missing />
  return (
    <Page title={t('app.crashed')} about={t('app.crashedAbout')} isNarrow>
      <Failed error={error} onRetry={reset} />
    </Page>
  )
}

/** The node was updated, or is away: the parts of this page are no longer there under their names. */
function Missing() {
  const { t } = useTranslation()
  return (
    <Page title={t('app.missingPart')} isNarrow>
      <Empty
        title={t('app.missingPartAbout')}
        action={
          <Button look="primary" onClick={() => location.reload()}>
            {t('storage.app.reload')}
          </Button>
        }
      />
    </Page>
  )
}

function NotFound() {
  const { t } = useTranslation()
  return (
    <Page title={t('app.notFound')} isNarrow>
      <Empty
        title={t('app.notFoundAbout')}
        action={
          <Button asChild look="primary">
            <Link to="/">{t('app.toChat')}</Link>
          </Button>
        }
      />
    </Page>
  )
}
