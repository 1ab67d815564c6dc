import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { CALL_PROOF_MEMBER } from '@auth4agent/core/delegation/sign-call-proof'
import type { ReplayStore } from '@auth4agent/core/dpop/replay-memory'
import { present } from '@auth4agent/core/platform/moment'
import type { Arguments, ChainDemands } from './chain-wanted.ts'
import { checkCallProof } from './check-call-proof.ts'
import type { VerificationErrorOptions, VerificationReason } from './errors.ts'
import { createRequestFacts } from './same-request.ts'
import { createUseOnce } from './use-once.ts'

interface Refusal extends VerificationErrorOptions {
  readonly reason: VerificationReason
}

/** Decides whether a tool call has a call proof. Resolves with undefined if it has, or if no tool is called. */
export type CheckToolCall = (
  authority: DelegatedAuthority,
  wanted: ChainDemands,
  args: Arguments,
) => Promise<Refusal | undefined>

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
