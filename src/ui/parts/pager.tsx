import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { IconButton } from './button.tsx'
import { number } from './format.ts'

interface PagerProps {
  page: number
  limit: number
  total: number
  onPage: (page: number) => void
}

/** Where one is in a list that comes in pages; nothing where it is one page. */
export function Pager({ page, limit, total, onPage }: PagerProps) {
  const { t } = useTranslation()
  if (total <= limit) return null
  const pages = Math.ceil(total / limit)
  const from = (page - 1) * limit + 1
  const range = { from: number(from), to: number(Math.min(page * limit, total)), total: number(total) }
  return (
    <div className="flex items-center justify-end gap-2 text-muted-foreground">
      <span className="tabular">{t('common.pages', range)}</span>
      <IconButton label={t('common.previousPage')} disabled={page <= 1} onClick={() => onPage(page - 1)}>
        <ChevronLeft aria-hidden />
      </IconButton>
      <IconButton label={t('common.nextPage')} disabled={page >= pages} onClick={() => onPage(page + 1)}>
        <ChevronRight aria-hidden />
      </IconButton>
    </div>
  )
}
