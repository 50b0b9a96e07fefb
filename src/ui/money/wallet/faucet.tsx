import { Droplets } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { toast } from 'sonner'
import { useChange } from '../../client/api.ts'
import { Button } from '../../parts/button.tsx'

/** For chains whose token gives itself away. What has come is told by the balances. */
export function Faucet({ look = 'secondary' }: { look?: 'primary' | 'secondary' }) {
  const { t } = useTranslation()
  const faucet = useChange('POST /wallet/faucet', ['/wallet', '/escrow', '/status'])
  const ask = () =>
    faucet.mutate(
      { body: {} },
      { onError: error => toast.error(error instanceof Error ? error.message : String(error)) },
    )
  return (
    <Button look={look} isBusy={faucet.isPending} title={t('money.wallet.faucetAbout')} onClick={ask}>
      <Droplets aria-hidden />
      {t('money.wallet.faucet')}
    </Button>
  )
}
