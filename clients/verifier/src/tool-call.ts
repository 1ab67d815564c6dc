import { checkCallProof } from '@auth4agent/core/delegation/check-call-proof'
import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { CALL_PROOF_MEMBER } from '@auth4agent/core/delegation/sign-call-proof'
import type { ReplayStore } from '@auth4agent/core/dpop/replay-memory'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { present } from '@auth4agent/core/platform/moment'
import type { Arguments, ChainDemands } from './chain-wanted.ts'
import type { VerificationErrorOptions, VerificationReason } from './errors.ts'
import { createRequestFacts } from './same-request.ts'
import { createUseOnce } from './use-once.ts'

/** A call of a tool that came with a chain of grants. */
export interface PresentedToolCall {
  /** The name of the tool. */
  readonly tool: string
  /** The address of the service, as its clients know it. The proof must name it in `aat_aud`. */
  readonly address: string
  /** The call proof (`aat-pop+jwt`), as it came; undefined if none came. */
  readonly proof: unknown
}

const NAMES: Names<PresentedToolCall> = { tool: true, address: true, proof: true }

interface Refusal extends VerificationErrorOptions {
  readonly reason: VerificationReason
}

/** Decides whether a tool call has a call proof. Resolves with undefined if it has, or if no tool is called. */
export type CheckToolCall = (
  authority: DelegatedAuthority,
  wanted: ChainDemands,
  args: Arguments,
) => Promise<Refusal | undefined>

/** Reads the option `toolCall`. Throws TypeError for other values. Accepts every proof, which the client has sent. */
export function readToolCall(value: unknown): PresentedToolCall {
  if (typeof value === 'object' && value !== null) {
    refuseUnknownNames('option of toolCall', value, NAMES)
    const { tool, address, proof }: { tool?: unknown; address?: unknown; proof?: unknown } = value
    if (typeof tool === 'string' && typeof address === 'string' && URL.canParse(address))
      return { tool, address, proof }
  }
  throw new TypeError('toolCall must be { tool, address, proof } with the name of the tool and the URL of the service')
}

/**
 * Makes the check of call proofs. The replay store is asked last, so that it records only good proofs. If several
 * guards see the same request, they use its proof once.
 */
export function createCheckToolCall({
  skewS,
  replays,
}: {
  readonly skewS: number
  readonly replays: ReplayStore
}): CheckToolCall {
  const used = createRequestFacts()
  const useOnce = createUseOnce(replays)
  return async ({ chain }, { toolCall, audience, dpop }, args) => {
    if (toolCall === undefined) return undefined
    const { tool, address, proof } = toolCall
    const leaf = chain?.hops.at(-1)
    if (args === undefined) return { reason: 'ARGUMENTS_NEEDED', detail: 'the arguments of the tool must be known' }
    // A call proof is about a grant, which a delegated token does not have.
    if (leaf === undefined) return undefined
    if (proof === undefined) return { reason: 'PROOF_REQUIRED', detail: NO_PROOF }
    const checked = checkCallProof(typeof proof === 'string' ? proof : '', {
      leaf,
      capabilities: audience.map((each) => `${each}#${tool}`),
      address: new URL(address).href,
      args,
      nowS: Math.floor(present().wall / 1_000),
      skewS,
    })
    if (!checked.ok) return { reason: 'PROOF_INVALID', detail: `in the call proof, ${checked.demand}` }
    if (used.has(dpop, checked.id)) return undefined
    const refusal = await useOnce(checked)
    if (refusal?.reason === 'PROOF_REPLAYED') return { ...refusal, detail: 'each tool call needs a new call proof' }
    if (refusal !== undefined) return refusal
    used.add(dpop, checked.id)
    return undefined
  }
}

const NO_PROOF = `a tool call needs a call proof in the member ${CALL_PROOF_MEMBER} of _meta`
