import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

/** What a list is narrowed to stands in the address, so that it can be kept, shared and gone back to. */
export function useFilters(): readonly [
  Readonly<Record<string, string>>,
  (change: Record<string, string | undefined>) => void,
] {
  const filters = useSearch({ strict: false }) as Readonly<Record<string, string>>
  const navigate = useNavigate()
  const change = useCallback(
    (wanted: Record<string, string | undefined>) =>
      void navigate({
        to: '.',
        replace: true,
        search: (before: Record<string, unknown>) =>
          Object.fromEntries(
            Object.entries({ ...before, ...wanted }).filter(([, value]) => value !== undefined && value !== ''),
          ),
      } as never),
    [navigate],
  )
  return [filters, change]
}
