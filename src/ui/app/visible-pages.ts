import { useMemo } from 'react'
import { isNode, useMay } from '../client/session.ts'
import { type AppPage, type AreaName, areas } from './pages.ts'

/** The pages of an area that are in its navigation, for who is signed in. */
export function usePagesFor(area: AreaName): readonly AppPage[] {
  const mayView = useMay('viewer')
  const mayOperate = useMay('operator')
  const mayAll = useMay('admin')
  return useMemo(() => {
    const may = { user: true, viewer: mayView, operator: mayOperate, admin: mayAll }
    const { pages = [] } = areas.find(({ name }) => name === area) ?? {}
    return pages.filter(
      ({ role = 'user', home, isHidden }) =>
        isHidden !== true && may[role] && (home === undefined || home === (isNode ? 'node' : 'static')),
    )
  }, [area, mayView, mayOperate, mayAll])
}
