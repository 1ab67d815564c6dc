import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { normalizeHtu } from '@auth4agent/core/dpop/htu'
import { verdicts } from '@auth4agent/core/token/verdicts'
import { usageError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import { readToken } from '../secrets.ts'
import { shared } from '../shared-flags.ts'
import { writeTime } from '../times.ts'
import { proofText } from './compared-values.ts'
import type { Finding, Inspection } from './inspect-chain.ts'
import { SKEW_S } from './read-chain.ts'

/** Flags that describe a request with a chain and its proof. */
export const proofFlags = {
  method: { ...shared.method, more: 'with --url' },
  url: { ...shared.url, more: 'with --method' },
  'dpop-proof': { ...shared['dpop-proof'], more: 'with --method and --url', aliases: ['proof'] },
} as const

/** A request with a chain. */
export interface GivenRequest {
  readonly method: string
  readonly url: string
  /** Undefined if the request has none. */
  readonly proof: string | undefined
}

/** Reads the request of the command line; undefined if there is none. Throws CliError. */
export async function readGivenRequest({
  flags,
  readStdin,
}: Pick<Context<typeof proofFlags>, 'flags' | 'readStdin'>): Promise<GivenRequest | undefined> {
  const [method, url, proof] = [flags.text('method'), flags.text('url'), flags.text('dpop-proof')]
  if (method === undefined && url === undefined && proof === undefined) return undefined
  if (method === undefined || url === undefined) throw usageError('--method and --url must come together')
  if (normalizeHtu(url) === undefined) throw usageError('--url must be an absolute http or https URL')
  return { method, url, proof: proof === undefined ? undefined : await readToken(proof, { readStdin }) }
}

/** What is known about a proof: why it is refused, or when it is accepted. */
interface CheckedProof {
  readonly finding: Finding | undefined
  readonly text: string
  readonly json: object
}

/** Checks the proof of a request with a valid chain. Whether the proof was used before, only the service knows. */
export function checkGivenProof({ text, hops }: Inspection, request: GivenRequest, nowS: number): CheckedProof {
  const { method, url, proof } = request
  const last = hops.length - 1
  const holder = hops.at(-1)?.jkt ?? ''
  const refuse = (reason: 'PROOF_REQUIRED' | 'PROOF_INVALID', rule: string, has?: string): CheckedProof => {
    const compared = has === undefined ? {} : { proof: has }
    const advice = `The holder of grant ${last} must make a new proof for each request, for this method, URL and chain.`
    return { finding: { reason, hop: last, means: verdicts[reason], rule, compared, advice }, text: '', json: {} }
  }
  const byHolder = `by the key ${holder} of the holder of grant ${last}`
  if (proof === undefined) return refuse('PROOF_REQUIRED', `the request must have a proof ${byHolder}`)
  const checked = checkDpopProof(proof, { method, url, nowS, skewS: SKEW_S, accessToken: text })
  if (!checked.ok) return refuse('PROOF_INVALID', demandText(checked.demand), proofText(proof))
  if (checked.jkt !== holder)
    return refuse('PROOF_INVALID', `the proof must be ${byHolder}`, keyText(checked.jkt, hops))
  const once = 'a service accepts it once. When it sees the proof again, it answers PROOF_REPLAYED'
  const end = `No service accepts it after ${writeTime(checked.expiresAtS)}`
  return { finding: undefined, text: `proof: valid for this request; ${once}. ${end}`, json: { proof: 'valid' } }
}

function demandText(demand: string): string {
  return `in the proof, ${demand}${demand.startsWith('ath') ? '; the access token is the whole chain' : ''}`
}

function keyText(jkt: string, hops: readonly Hop[]): string {
  const at = hops.findIndex((hop) => hop.jkt === jkt)
  return `the key ${jkt} ${at === -1 ? 'of no holder in the chain' : `of the holder of grant ${at}`}`
}
