import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../client/api.ts'
import { isNode, useMay } from '../../client/session.ts'
import { Short } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { dateTime, dollars, duration, number } from '../../parts/format.ts'
import { Facts } from '../../parts/page.tsx'
import type { Message } from '../../storage/documents.ts'
import { useModels } from '../models.ts'
import { PrivacyBadge } from '../picker/privacy.tsx'
import { costText } from '../price.ts'
import type { Model, Offer } from '../rank.ts'

/** How an answer came about: who gave it, who could read the prompt, how long it took, what it cost. */
export function Details({ message, onClose }: { message: Message; onClose: () => void }) {
  const { t } = useTranslation()
  const mayView = useMay('viewer')
  const { models } = useModels()
  const { facts = {}, usage, model, error } = message
  const id = facts.requestId
  const row = useApi(
    'GET /requests/:id',
    { params: { id: id ?? '' } },
    { enabled: isNode && mayView && id !== undefined, retry: 1, refetchInterval: false },
  ).data
  const provider = facts.provider ?? row?.provider ?? undefined
  const offer = offerOf(models, model, provider)
  return (
    <Dialog isOpen onClose={onClose} title={t('chat.details.name')} shape="sheet">
      <Facts
        facts={[
          [t('chat.details.model'), facts.servedModel ?? model ?? t('common.unknown')],
          facts.servedModel !== undefined && facts.servedModel !== model
            ? [t('chat.details.askedModel'), model ?? t('common.unknown')]
            : null,
          [t('chat.details.provider'), provider ?? t('common.unknown')],
          offer === undefined
            ? null
            : [
                t('chat.details.privacy'),
                <span key="privacy" className="grid justify-items-start gap-1">
                  <PrivacyBadge level={offer.privacy} />
                  <span className="text-[0.8125rem] text-muted-foreground">
                    {t(`chat.privacy.${offer.privacy}.about`)}
                  </span>
                </span>,
              ],
          usage === undefined
            ? null
            : [
                t('chat.details.tokens'),
                t('chat.details.inOut', { in: number(usage.prompt), out: number(usage.completion) }),
              ],
          usage?.cached ? [t('chat.details.cached'), number(usage.cached)] : null,
          [t('chat.details.cost'), costOfMessage(message, row?.cost, t('chat.details.nothing'))],
          facts.ttftMs === undefined ? null : [t('chat.picker.firstToken'), duration(facts.ttftMs)],
          facts.totalMs === undefined ? null : [t('chat.details.total'), duration(facts.totalMs)],
          facts.tokensPerSecond === undefined
            ? null
            : [t('chat.picker.speedName'), t('chat.picker.speed', { speed: number(facts.tokensPerSecond, 1) })],
          [t('chat.details.when'), dateTime(message.createdAt)],
          row === undefined ? null : [t('chat.details.attempts'), number(row.attempts.length)],
          row?.costUnits ? [t('chat.details.units'), number(Number(row.costUnits))] : null,
          id === undefined ? null : [t('chat.details.request'), <Short key="id" text={id} />],
          error === undefined || error.message === '' ? null : [t('chat.details.error'), error.message],
        ]}
      />
      {row !== undefined && (
        <p className="mt-4">
          <Link to={`/node/requests/${row.id}` as '/'} className="text-primary underline underline-offset-2">
            {t('chat.details.toRequest')}
          </Link>
        </p>
      )}
    </Dialog>
  )
}

function offerOf(models: readonly Model[], model: string | undefined, provider: string | undefined): Offer | undefined {
  return models.find(({ id }) => id === model)?.offers.find(offer => offer.provider === provider)
}

function costOfMessage({ facts }: Message, known: string | null | undefined, nothing: string): string {
  if (known !== undefined && known !== null && Number(known) > 0) return dollars(known)
  if (facts?.cost === undefined || facts.currency === undefined) return nothing
  return costText(facts.cost, facts.currency)
}
