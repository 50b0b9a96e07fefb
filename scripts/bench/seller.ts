import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createConfig, createDirectories, resolvePaths } from '../../src/config/index.ts'
import { createEventLog, type Hex, modelId, systemClock, systemRandom } from '../../src/core/index.ts'
import { type CandidateSource, createAdmission, createRanking, router } from '../../src/gateway/index.ts'
import { openAccount } from '../../src/node/account.ts'
import { openChain } from '../../src/node/chain-access.ts'
import type { OwnModels } from '../../src/node/own-models.ts'
import { createSeller } from '../../src/node/seller.ts'
import { createPeerNode, openIdentityFile } from '../../src/p2p/index.ts'
import { createLedger } from '../../src/store/index.ts'
import { serveLocally } from './local-front.ts'
import type { ScriptedSeller, SellerSettings } from './parts.ts'
import { createScripted, eventsOf } from './scripted.ts'

/**
 * A provider made of the node's own parts around a scripted backend, and beside it the same answers from a bare HTTP
 * server: both ends of every comparison live in one process.
 */
async function serve({ home, privateKey, rail, chain }: SellerSettings): Promise<ScriptedSeller> {
  const paths = resolvePaths({ PARLEY_HOME: home })
  createDirectories(paths)
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const config = createConfig(
    {
      chain,
      wallet: { privateKey },
      p2p: { listen, trusted: ['127.0.0.0/8'], dialPrivate: true },
      provider: { enabled: true, rail, prices: { minimum: '0.00001' }, softCredit: '1000000' },
    },
    paths,
  )
  const log = createEventLog(() => systemClock.now())
  const given = { config, clock: systemClock, random: systemRandom, log }
  const access = openChain(config, given)!
  const account = (await openAccount(config, systemRandom))!
  const p2p = await createPeerNode({
    role: 'provider',
    key: (await openIdentityFile(paths.identityFile)).key,
    listen,
    trusted: config.p2p.trusted,
    clock: systemClock,
    random: systemRandom,
  })
  const { attemptsMax, policy } = config.routing
  const { firstTokenMs, idleMs, totalMs } = config.timeouts
  const own = ownModels()
  const seller = createSeller({
    ...given,
    account,
    access,
    own,
    p2p,
    ledger: createLedger(paths.ledgerFile, { clock: systemClock }),
    admission: createAdmission({ maxRunning: 64, maxRunningPerPrincipal: 64 }),
    forSale: router({
      ...given,
      candidates: own,
      ranking: createRanking(systemClock, systemRandom),
      policy,
      maxAttempts: attemptsMax,
      timeouts: { firstChunkMs: firstTokenMs, idleMs, totalMs },
    }),
    front: {
      heartbeatMs: 15_000,
      stallMs: 30_000,
      maxBodyBytes: 4 << 20,
      bodyTimeoutMs: 10_000,
      headersTimeoutMs: 5_000,
      requestTimeoutMs: 60_000,
      onError: (_id, error) => console.error(error),
    },
  })
  const signal = AbortSignal.timeout(30_000)
  await p2p.start(signal)
  await seller.start(signal)
  const endpoint = p2p.addresses()[0]!
  const { address } = account
  return {
    entry: { provider: address, signer: address, payout: address, peerId: p2p.peerId, endpoint },
    plainUrl: await servePlainly(),
    frontUrl: await serveLocally(createScripted()),
  }
}

/** A scripted backend, as what is sold and as what is listed for sale. */
function ownModels(): CandidateSource & Pick<OwnModels, 'list'> {
  const backend = createScripted()
  const candidate = { name: backend.name, kind: 'local' as const, backend }
  const signal = AbortSignal.timeout(1_000)
  return {
    models: () => backend.models(signal),
    serving: () => [candidate],
    list: async () => (await backend.models(signal)).map(model => ({ model, modelId: idOf(model.id) })),
  }
}

function idOf(source: string): Hex {
  const unknown = { weights: [], quantization: '', tokenizer: '', chatTemplate: '' }
  return modelId({ ...unknown, contextTokens: 0, modality: 'text', source })
}

/** The least a server can do for the same answer: read the request, write the events, each as it is made. */
async function servePlainly(): Promise<string> {
  const server = createServer((request, response) => void answerPlainly(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function answerPlainly(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const { model } = JSON.parse(Buffer.concat(pieces).toString()) as { model: string }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of eventsOf(model)) response.write(`data: ${JSON.stringify(event)}\n\n`)
  response.end('data: [DONE]\n\n')
}

process.on('disconnect', () => process.exit())
process.once('message', settings => {
  void serve(settings as SellerSettings).then(ready => process.send!(ready))
})
