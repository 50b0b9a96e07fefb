import { Link } from '@tanstack/react-router'
import { MessageSquare } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { ModelOffer, OfferedModel } from '../../client/api.ts'
import { useMay } from '../../client/session.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Short } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { duration, number, percent } from '../../parts/format.ts'
import { Card, Facts } from '../../parts/page.tsx'
import { StateBadge } from '../shared/state-badge.tsx'
import { isPriced, offerPrice } from './summary.ts'

const units = ['tokens', 'images', 'seconds', 'characters'] as const

/** Everybody who would answer with a model. */
export function OfferSheet({ model, onClose }: { model: OfferedModel; onClose: () => void }) {
  const { t } = useTranslation()
  const mayOperate = useMay('operator')
  return (
    <Dialog
      isOpen
      onClose={onClose}
      shape="sheet"
      title={model.id}
      footer={
        <>
          {mayOperate && (
            <Button asChild>
              <Link to={'/node/endpoints' as '/'} search={{ ask: model.id } as never}>
                {t('node.models.explain')}
              </Link>
            </Button>
          )}
          <Button asChild look="primary">
            <Link to="/" search={{ model: model.id } as never}>
              <MessageSquare aria-hidden />
              {t('node.models.tryIt')}
            </Link>
          </Button>
        </>
      }
    >
      <div className="grid gap-5">
        <Facts
          facts={[
            ['ID', <Short key="id" text={model.id} ends={16} />],
            [
              t('node.models.context'),
              model.contextLength === null ? t('common.unknown') : number(model.contextLength),
            ],
            [
              t('node.models.answerMax'),
              model.maxOutputTokens === null ? t('common.unknown') : number(model.maxOutputTokens),
            ],
            [
              t('node.models.capabilities'),
              model.capabilities === null ? (
                t('common.unknown')
              ) : (
                <span key="can" className="flex flex-wrap gap-1">
                  {model.capabilities.map(name => (
                    <Badge key={name}>{name}</Badge>
                  ))}
                </span>
              ),
            ],
          ]}
        />
        <h3 className="font-semibold">{t('node.models.offers')}</h3>
        <ul className="grid gap-3">
          {model.offers.map(offer => (
            <li key={offer.provider}>
              <Offer offer={offer} />
            </li>
          ))}
        </ul>
      </div>
    </Dialog>
  )
}

function Offer({ offer }: { offer: ModelOffer }) {
  const { t } = useTranslation()
  const ms = (value: number | null) => (value === null ? '–' : duration(value))
  const unit = units.find(name => name === offer.unit)
  const per = unit === undefined ? t('node.models.per.other', { unit: offer.unit }) : t(`node.models.per.${unit}`)
  const price = offerPrice(offer)
  return (
    <Card className="grid gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <span className="min-w-0 flex-1 truncate font-medium" title={offer.provider}>
          {offer.provider}
        </span>
        <Badge>{t(`node.kinds.${offer.kind}`)}</Badge>
        <StateBadge state={offer.state} />
      </div>
      <Facts
        facts={[
          [
            t('node.models.price'),
            isPriced(offer)
              ? price === undefined
                ? t('node.models.free')
                : `${price} ${per}`
              : t('node.models.priceUnknown'),
          ],
          [t('node.models.ttft'), `${ms(offer.ttftP50Ms)} / ${ms(offer.ttftP95Ms)}`],
          [t('node.models.speed'), offer.tokensPerSecond === null ? '–' : number(offer.tokensPerSecond, 1)],
          [t('node.models.uptime'), offer.uptime === null ? '–' : percent(offer.uptime)],
          [t('node.models.privacy'), t(`node.privacy.${offer.privacy}`)],
          offer.contextLength === null ? null : [t('node.models.context'), number(offer.contextLength)],
          offer.running === 0 ? null : [t('node.models.running'), number(offer.running)],
        ]}
      />
    </Card>
  )
}
