import { useTranslation } from 'react-i18next'
import { en } from '../../words/en/index.ts'

type Code = keyof typeof en.node.codes

export function isExplained(code: string): code is Code {
  return Object.hasOwn(en.node.codes, code)
}

/** What a code means and what to do about it, in plain words. */
export function useReason() {
  const { t } = useTranslation()
  return (code: string) =>
    isExplained(code)
      ? { why: t(`node.codes.${code}.why`), fix: t(`node.codes.${code}.fix`) }
      : { why: t('node.codes.internal.why'), fix: t('node.codes.internal.fix') }
}

export function Reason({ code, message }: { code: string; message?: string | undefined }) {
  const { why, fix } = useReason()(code)
  return (
    <div className="grid gap-1">
      <p>
        {why} <code className="rounded bg-muted px-1 text-xs">{code}</code>
      </p>
      <p className="text-muted-foreground">{fix}</p>
      {message !== undefined && <p className="text-xs break-words text-muted-foreground">{message}</p>}
    </div>
  )
}
