import { partiesOf, verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
import { isChain } from '@auth4agent/core/delegation/is-chain'
import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
import type { VerifiedChain } from '@auth4agent/core/delegation/verify-each'
import { type KeyFinder, verifyAccessToken } from '@auth4agent/core/token/access-token'
import type { Revocation } from './store.ts'

/** What a text is, by its form alone. */
export type RevocableKind = 'token' | 'delegated token' | 'chain'

/** An agent whose authority is in a token or chain, with its operator. */
interface Party {
  readonly did: string
  readonly operatorId: string
}

/** A genuine token or chain, which ends when its id is revoked. It may have expired. */
export interface Revocable extends Required<Pick<Revocation, 'jti' | 'exp' | 'action'>> {
  /** The agents that may revoke it, and whose operators may. */
  readonly parties: readonly [Party, ...Party[]]
}

/** The dependencies of readRevocable. */
export interface ReadRevocableDeps {
  readonly issuer: string
  readonly verificationKeys: KeyFinder
  readonly verifyChain: (text: string) => Promise<VerifiedChain>
}

/** Returns what a text is by its form, without checking that it is genuine. */
export function kindOf(text: string): RevocableKind {
  if (isChain(text)) return 'chain'
  return isDelegatedToken(text) ? 'delegated token' : 'token'
}

/**
 * Reads a token or chain that can be revoked here, and who may do it: every agent in it and the operators of these.
 * The record of a revocation stands under the operator that revokes. Under another operator, the operator that revokes
 * could use up the records of an operator to whose agents it delegates, and so end all tokens of that operator.
 *
 * @returns the rule that the text breaks, if it is not a genuine text of this deployment
 */
export async function readRevocable(
  deps: ReadRevocableDeps,
  text: string,
): Promise<Revocable | { readonly refusal: string | undefined }> {
  const { issuer, verificationKeys: keys } = deps
  const kind = kindOf(text)
  if (kind === 'chain') return readChain(await deps.verifyChain(text))
  if (kind === 'delegated token') {
    const genuine = await verifyDelegatedToken(text, issuer, keys, 'including-retired')
    if ('verdict' in genuine) return { refusal: undefined }
    const { jti, exp } = genuine.claims
    return withParties({ jti, exp, action: 'token.revoke' }, partiesOf(genuine))
  }
  const genuine = await verifyAccessToken(text, issuer, keys, 'including-retired')
  if ('verdict' in genuine) return { refusal: undefined }
  const { jti, exp, sub: did, operator_id: operatorId } = genuine.claims
  return withParties({ jti, exp, action: 'token.revoke' }, [{ did, operatorId }])
}

/** Tells whether an operator may revoke: with `did` for this agent of it, else for any of its agents. */
export function mayRevoke({ parties }: Revocable, operatorId: string, did?: string): boolean {
  return parties.some((party) => party.operatorId === operatorId && (did === undefined || party.did === did))
}

/** Revoking a chain ends its last grant. */
function readChain(verified: VerifiedChain): Revocable | { readonly refusal: string } {
  if (!verified.ok) return { refusal: verified.rule }
  const { hops } = verified.chain
  const last = hops.at(-1)
  if (last === undefined) throw new Error('A chain has no grant')
  return withParties({ jti: last.id, exp: last.exp, action: 'grant.revoke' }, hops)
}

function withParties(revocable: Omit<Revocable, 'parties'>, [first, ...others]: readonly Party[]): Revocable {
  if (first === undefined) throw new Error('A token has no agent')
  return { ...revocable, parties: [first, ...others] }
}
