import { Download, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { Button } from '../../parts/button.tsx'
import { number } from '../../parts/format.ts'
import { exportCsv, rowsMax, save } from './csv.ts'
import type { RequestQuery } from './query.ts'

export function ExportButton({ query }: { query: RequestQuery }) {
  const { t } = useTranslation()
  const [rows, setRows] = useState<number>()
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  const start = async () => {
    const control = new AbortController()
    running.current = control
    setRows(0)
    try {
      const { blob, rows: count, isCut } = await exportCsv(query, setRows, control.signal)
      save(blob, `parley-requests-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.csv`)
      if (isCut) toast.warning(t('node.requests.exportCut', { max: number(rowsMax) }))
      else toast.success(t('node.requests.exported', { count }))
    } catch (error) {
      if (!control.signal.aborted) toast.error(error instanceof Error ? error.message : String(error))
    } finally {
      setRows(undefined)
    }
  }
  if (rows === undefined) {
    return (
      <Button onClick={() => void start()}>
        <Download aria-hidden />
        {t('node.requests.export')}
      </Button>
    )
  }
  return (
    <Button onClick={() => running.current?.abort()} aria-label={t('node.requests.exportStop')}>
      <X aria-hidden />
      <span className="tabular">{t('node.requests.exporting', { count: number(rows) as never })}</span>
    </Button>
  )
}
