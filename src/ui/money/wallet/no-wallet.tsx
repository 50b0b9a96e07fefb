import { Upload, WalletIcon } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../client/session.ts'
import { Button } from '../../parts/button.tsx'
import { Empty } from '../../parts/states.tsx'
import { CreateWallet } from './create.tsx'
import { ImportWallet } from './import.tsx'

export function NoWallet() {
  const { t } = useTranslation()
  const mayMake = useMay('admin')
  const [open, setOpen] = useState<'create' | 'import'>()
  const close = () => setOpen(undefined)
  return (
    <>
      <Empty
        icon={WalletIcon}
        title={t('money.wallet.none')}
        action={
          mayMake && (
            <>
              <Button look="primary" onClick={() => setOpen('create')}>
                {t('money.wallet.create')}
                <span className="font-normal">· {t('money.wallet.needs')}</span>
              </Button>
              <Button onClick={() => setOpen('import')}>
                <Upload aria-hidden />
                {t('money.wallet.import')}
              </Button>
            </>
          )
        }
      >
        {t('money.wallet.noneAbout')}
        {!mayMake && <p className="mt-2">{t('money.adminOnly')}</p>}
      </Empty>
      {open === 'create' && <CreateWallet onClose={close} />}
      {open === 'import' && <ImportWallet onClose={close} />}
    </>
  )
}
