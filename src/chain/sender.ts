import type { Abi, ContractFunctionArgs, ContractFunctionName, Log, PublicClient, TransactionReceipt } from 'viem'
import { type Address, type Hex, ParleyError, type Signer, sleep } from '../core/index.ts'
import { errorAbi } from './chain-errors.ts'
import type { Chain } from './clients.ts'
import type { Viem } from './transport.ts'
import { createTurns } from './turns.ts'

/** Sends transactions of one account, one after the other. */
export interface Sender {
  readonly chain: Chain
  readonly signer: Signer
  /**
   * Tries the call first, so that a refusal costs nothing and says why; then sends it and waits until it is confirmed.
   * `what` begins the message of the error, as in 'the deposit'. Throws `timeout` when the transaction stays unmined: its
   * hashes are in the details, since it may still be mined.
   */
  readonly send: (what: string, call: Call, signal: AbortSignal) => Promise<SentWithLogs>
}

/** A transaction that is in the chain. */
export interface Sent {
  readonly hash: Hex
  readonly gasUsed: bigint
  readonly blockNumber: bigint
}

export interface SentWithLogs extends Sent {
  readonly logs: readonly Log[]
}

/** A contract call with its arguments checked by `contractCall`. */
export interface Call {
  readonly address: Address
  readonly abi: Abi
  readonly functionName: string
  readonly args: readonly unknown[]
}

export function contractCall<const abi extends Abi, name extends ContractFunctionName<abi, 'nonpayable'>>(
  address: Address,
  abi: abi,
  functionName: name,
  args: ContractFunctionArgs<abi, 'nonpayable', name> & readonly unknown[],
): Call {
  return { address, abi, functionName, args }
}

/** Any number of senders of one account on one `Chain` share a queue: two at once would use the same number twice. */
export function createSender(chain: Chain, signer: Signer): Sender {
  const inTurn = turnsOf(chain, signer.address)
  return {
    chain,
    signer,
    send: (what, call, signal) =>
      inTurn(signal, async () => {
        const draft = await chain.ask(what, signal, (client, viem) => drafted(client, viem, signer.address, call))
        return sendAndWait({ chain, signer, what, signal }, draft)
      }),
  }
}

type Turns = ReturnType<typeof createTurns>

const waitingMax = 64
const queues = new WeakMap<Chain, Map<Address, Turns>>()

/** As many queues as accounts this process holds keys of, which is a handful. */
function turnsOf(chain: Chain, account: Address): Turns {
  const known = queues.get(chain) ?? new Map<Address, Turns>()
  const turns = known.get(account) ?? createTurns(waitingMax)
  queues.set(chain, known.set(account, turns))
  return turns
}

const raisesMax = 2

interface Draft {
  readonly to: Address
  readonly data: Hex
  readonly nonce: number
  readonly gas: bigint
  readonly fees: Fees
}

type Fees = { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint } | { gasPrice: bigint }

async function drafted(client: PublicClient, viem: Viem, from: Address, call: Call): Promise<Draft> {
  const { functionName, args, address: to } = call
  const abi = [...call.abi, ...errorAbi]
  const data = viem.encodeFunctionData({ abi, functionName, args })
  // The estimate executes the call: a refusal by a contract shows here, before anything is signed.
  const [gas, nonce, fees] = await Promise.all([
    client.estimateGas({ account: from, to, data }),
    client.getTransactionCount({ address: from, blockTag: 'pending' }),
    feesNow(client, viem),
  ])
  return { to, data, nonce, gas: (gas * 12n) / 10n, fees }
}

async function feesNow(client: PublicClient, viem: Viem): Promise<Fees> {
  try {
    const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
    return { maxFeePerGas, maxPriorityFeePerGas }
  } catch (cause) {
    if (!(cause instanceof viem.Eip1559FeesNotSupportedError)) throw cause
    return { gasPrice: await client.getGasPrice() }
  }
}

interface Sending {
  readonly chain: Chain
  readonly signer: Signer
  readonly what: string
  readonly signal: AbortSignal
}

/** The number stays the same through every raise of the fee, so the call happens once however often it is sent. */
async function sendAndWait(sending: Sending, draft: Draft): Promise<SentWithLogs> {
  const { receiptTimeoutMs } = sending.chain.settings
  const hashes: Hex[] = []
  for (let raises = 0; raises <= raisesMax; raises++) {
    hashes.push(await submitted(sending, { ...draft, fees: raised(draft.fees, raises) }, hashes))
    const receipt = await confirmed(sending, hashes, receiptTimeoutMs / (raisesMax + 1))
    if (receipt) return outcomeOf(receipt, sending.what)
  }
  const message = `${sending.what} was sent and is not confirmed after ${receiptTimeoutMs / 1_000} s; it may still be`
  throw new ParleyError('timeout', message, { details: { hashes } })
}

/** Nodes let a waiting transaction be replaced for a tenth more; a quarter and a half more is also where it ends. */
function raised(fees: Fees, raises: number): Fees {
  const up = (fee: bigint) => (fee * (8n + BigInt(raises) * 2n)) / 8n + BigInt(raises)
  if ('gasPrice' in fees) return { gasPrice: up(fees.gasPrice) }
  return { maxFeePerGas: up(fees.maxFeePerGas), maxPriorityFeePerGas: up(fees.maxPriorityFeePerGas) }
}

async function submitted({ chain, signer, what, signal }: Sending, draft: Draft, earlier: Hex[]): Promise<Hex> {
  return chain.ask(what, signal, async (client, viem) => {
    const { fees, ...rest } = draft
    const transaction =
      'gasPrice' in fees
        ? { ...rest, ...fees, type: 'legacy' as const, chainId: Number(chain.settings.chainId) }
        : { ...rest, ...fees, type: 'eip1559' as const, chainId: Number(chain.settings.chainId) }
    const signature = viem.parseSignature(signer.sign(viem.keccak256(viem.serializeTransaction(transaction))))
    const serialized = viem.serializeTransaction(transaction, signature)
    const hash = viem.keccak256(serialized)
    try {
      await client.sendRawTransaction({ serializedTransaction: serialized })
    } catch (cause) {
      // The answer to an earlier try may have been lost: what counts is whether the chain has it.
      if (!(await isKnown(client, [hash, ...earlier]))) throw cause
    }
    return hash
  })
}

async function isKnown(client: PublicClient, hashes: readonly Hex[]): Promise<boolean> {
  const found = await Promise.all(hashes.map(hash => client.getTransaction({ hash }).catch(() => undefined)))
  return found.some(transaction => transaction !== undefined)
}

/** Looks for a receipt of any of the hashes, ever more slowly; undefined when the time is over. */
async function confirmed(
  sending: Sending,
  hashes: readonly Hex[],
  timeoutMs: number,
): Promise<TransactionReceipt | undefined> {
  const { chain, signal, what } = sending
  const until = chain.clock.monotonic() + timeoutMs
  for (let waitMs = 50; chain.clock.monotonic() < until; waitMs = Math.min(4_000, waitMs * 1.5)) {
    const receipt = await patiently(() => chain.ask(what, signal, (client, viem) => receiptOf(client, viem, hashes)))
    if (receipt && receipt.depth >= chain.settings.confirmations) return receipt.receipt
    await sleep(Math.min(waitMs, Math.max(1, until - chain.clock.monotonic())), signal)
  }
  return undefined
}

/** What is sent is sent: a chain that falls silent afterwards is asked again until the time is over. */
async function patiently<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof ParleyError && cause.code === 'chain_unavailable') return undefined
    throw cause
  }
}

async function receiptOf(client: PublicClient, viem: Viem, hashes: readonly Hex[]) {
  for (const hash of hashes) {
    try {
      const receipt = await client.getTransactionReceipt({ hash })
      const head = await client.getBlockNumber()
      return { receipt, depth: Number(head - receipt.blockNumber) + 1 }
    } catch (cause) {
      if (!(cause instanceof viem.TransactionReceiptNotFoundError)) throw cause
    }
  }
  return undefined
}

function outcomeOf(receipt: TransactionReceipt, what: string): SentWithLogs {
  const { transactionHash: hash, gasUsed, blockNumber, logs } = receipt
  if (receipt.status === 'success') return { hash, gasUsed, blockNumber, logs }
  const message = `${what} failed on chain although it worked when tried; the state changed in between, so try again`
  throw new ParleyError('transaction_failed', message, { details: { hash } })
}
