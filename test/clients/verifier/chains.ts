import { type DpopContent, signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { VerificationError, type VerifierOptions } from '@auth4agent/verifier'
import { type FakeIssuer, fakeIssuer, JWKS, published } from '../../support/offline-verifier.ts'
import {
  type ChainHolder,
  type ChainSigner,
  chainSigner,
  newChainHolder,
  newSigner,
} from '../../support/signed-chains.ts'

export { idsOf } from '../../support/signed-chains.ts'

/** The service that gets the chains, and the URL of its requests. */
export const SHOP = 'https://b.example'
export const PAY_URL = `${SHOP}/pay`
/** What each grant allows unless a test says otherwise. */
export const TOOLS = { [`${SHOP}#read`]: {}, [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 500 } } }

/** An agent that holds a grant. */
export interface Holder extends ChainHolder {
  /** Creates a proof for `POST https://b.example/pay` with a chain. */
  prove(chain: string, edits?: Partial<DpopContent>): Promise<string>
}

/** Creates an agent with a new key. */
export function newHolder(domain?: string): Holder {
  const holder = newChainHolder(domain)
  return {
    ...holder,
    prove: (accessToken, edits = {}) =>
      signDpopProof(holder.signer, { method: 'POST', url: PAY_URL, nowS: Date.now() / 1_000, accessToken, ...edits }),
  }
}

/** A fake server that also signs grants. */
export interface GrantIssuer extends ChainSigner {
  readonly issuer: FakeIssuer
  readonly grantKid: string
}

/** Creates a fake server whose JWKS also has a key for grants. */
export function grantIssuer(): GrantIssuer {
  const issuer = fakeIssuer()
  const signer = newSigner()
  const jwk = { ...signerJwk(signer), alg: 'Ed25519', use: 'sig', kid: signerKid(signer) }
  issuer.answers[JWKS] = { keys: [published(issuer.key), jwk] }
  return { issuer, grantKid: signerKid(signer), ...chainSigner(signer, { tools: TOOLS, epoch: [3, 2] }) }
}

/** Creates a chain of three holders: the principal, a middle one, and the actor, which sends it. */
export async function setUpChain(options: Partial<VerifierOptions> = {}, domains: readonly string[] = []) {
  const made = grantIssuer()
  const [principal, middle, actor] = [newHolder(domains[0]), newHolder(domains[1]), newHolder(domains[2])]
  const chain = await made.chainThrough([principal, middle, actor])
  return { ...made, principal, middle, actor, chain, verifier: made.issuer.newVerifier(options) }
}

/** What {@link setUpChain} made. */
export type Made = Awaited<ReturnType<typeof setUpChain>>

/** Returns the options of `verifyDelegated` for a chain that its holder sent to `POST https://b.example/pay`. */
export async function wantedWith(holder: Holder, chain: string, edits: Partial<DpopContent> = {}) {
  const dpop = { proof: await holder.prove(chain, edits), method: 'POST', url: PAY_URL }
  return { scope: 'pay', arguments: () => ({ amount: 20 }), dpop }
}

/** A caller in JavaScript, which may pass anything. */
export interface Caller {
  verifyDelegated(chain: unknown, wanted: unknown): Promise<unknown>
}

/** Returns VALID, or the reason why the chain is refused and the place of the refused grant. */
export async function chainOutcome(verifier: Caller, chain: unknown, wanted: unknown): Promise<string> {
  try {
    await verifier.verifyDelegated(chain, wanted)
    return 'VALID'
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    return error.hop === undefined ? error.reason : `${error.reason} at ${error.hop}`
  }
}
