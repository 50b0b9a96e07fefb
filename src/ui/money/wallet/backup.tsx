import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../parts/button.tsx'
import { Banner } from '../../parts/states.tsx'
import type { Wallet } from './screen.tsx'

const place = (address: string) => `parley.backup.${address}`

/** Until somebody says that there is a copy. */
export function Backup({ wallet: { address, name } }: { wallet: Wallet }) {
  const { t } = useTranslation()
  const [, setDone] = useState(false)
  if (address === null || name === null || isDone(address)) return null
  const finish = () => {
    keepDone(address)
    setDone(true)
  }
  return (
    <Banner
      tone="warning"
      title={t('money.wallet.backup')}
      action={
        <Button size="sm" onClick={finish}>
          {t('money.wallet.backupDone')}
        </Button>
      }
    >
      {t('money.wallet.backupAbout', { name })}
    </Banner>
  )
}

function isDone(address: string): boolean {
  try {
    return localStorage.getItem(place(address)) !== null
  } catch {
    return false
  }
}

function keepDone(address: string): void {
  try {
    localStorage.setItem(place(address), new Date().toISOString())
  } catch {
    // It is asked again next time.
  }
}
