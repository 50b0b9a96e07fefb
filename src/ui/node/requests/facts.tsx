import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type RequestDetail, useApi } from '../../client/api.ts'
import { Short } from '../../parts/copy.tsx'
import { duration, number } from '../../parts/format.ts'
import { Card, Facts, Section } from '../../parts/page.tsx'
import { usePriceOf } from './price.ts'

export function RequestFacts({ request }: { request: RequestDetail }) {
  const { t } = useTranslation()
  const priceOf = usePriceOf()
  const { data: keys } = useApi('GET /keys', { query: { limit: 200 } }, { enabled: request.keyId !== null })
  const { responseTime, firstChunkMs, tokensInput, tokensOutput, response } = request
  const answeringMs = firstChunkMs === null ? 0 : responseTime - firstChunkMs
  const name = (request.request.requestId as string | undefined) ?? request.id
  return (
    <Section title={t('node.requests.facts')}>
      <Card>
        <Facts
          facts={[
            [t('node.requests.id'), <Short key="id" text={request.id} ends={8} />],
            name === request.id ? null : ['x-request-id', <Short key="name" text={name} ends={8} />],
            [t('node.requests.endpoint'), request.endpoint],
            [t('node.requests.asked'), request.model || '–'],
            request.servedModel === null || request.servedModel === request.model
              ? null
              : [t('node.requests.served'), request.servedModel],
            [
              t('node.requests.provider'),
              request.provider === null ? (
                '–'
              ) : (
                <Link
                  key="provider"
                  to={'/node/requests' as '/'}
                  search={{ provider: request.provider } as never}
                  className="underline decoration-border underline-offset-4 hover:decoration-current"
                >
                  {request.provider}
                </Link>
              ),
            ],
            [
              t('node.requests.tokens'),
              t('node.requests.tokensAbout', { input: number(tokensInput), output: number(tokensOutput) }),
            ],
            answeringMs > 0 && tokensOutput > 1
              ? [
                  t('node.requests.speed'),
                  t('node.requests.perSecond', { value: number(((tokensOutput - 1) / answeringMs) * 1_000, 1) }),
                ]
              : null,
            firstChunkMs === null ? null : [t('node.requests.firstToken'), duration(firstChunkMs)],
            typeof response.overheadMs === 'number'
              ? [t('node.requests.overhead'), `${number(response.overheadMs, 2)} ms`]
              : null,
            [t('node.requests.cost'), priceOf(request)],
            typeof response.finishReason === 'string' ? [t('node.requests.finish'), response.finishReason] : null,
            [t('node.requests.stream'), request.stream ? t('common.yes') : t('common.no')],
            [t('node.requests.cache'), t(`node.requests.caches.${request.cache}`)],
            request.keyId === null
              ? null
              : [t('node.requests.key'), keys?.data.find(({ id }) => id === request.keyId)?.name ?? request.keyId],
            request.userId === null ? null : [t('node.requests.user'), request.userId],
            request.project === null ? null : [t('node.requests.project'), request.project],
          ]}
        />
      </Card>
    </Section>
  )
}
