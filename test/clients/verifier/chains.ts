import { grantId } from '@auth4agent/core/delegation/grant-id'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { deriveGrant, signHolderStatement, signRootGrant } from '@auth4agent/core/delegation/sign-grant'
import { type DpopContent, signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { type JwsSigner, signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { VerificationError, type VerifierOptions } from '@auth4agent/verifier'
import { ISSUER } from '../../support/assertions.ts'
import { details } from '../../support/grant-chains.ts'
import { type FakeIssuer, fakeIssuer, JWKS, published } from '../../support/offline-verifier.ts'

/** The service that gets the chains, and the URL of its requests. */
export const SHOP = 'https://b.example'
export const PAY_URL = `${SHOP}/pay`
/** What each grant allows unless a test says otherwise. */
export const TOOLS = { [`${SHOP}#read`]: {}, [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 500 } } }

/** An agent that holds a grant. */
export interface Holder {
  readonly did: string
  readonly operatorId: string
  readonly signer: JwsSigner
  /** Creates a proof for `POST https://b.example/pay` with a chain. */
  prove(chain: string, edits?: Partial<DpopContent>): Promise<string>
}

/** How a test changes a root grant. */
interface GrantWish {
  readonly tools?: object
  /** Seconds from now; may be negative. */
  readonly lifetime?: readonly [from: number, until: number]
  /** The domains whose agents may hold the grants below the root. */
  readonly to?: readonly string[]
}

/** Creates an agent with a new key. */
export function newHolder(domain = 'acme.test'): Holder {
  const signer = newSigner()
  return {
    did: formatDid(domain, fingerprint(signer.publicKey)),
    operatorId: crypto.randomUUID(),
    signer,
    prove: (accessToken, edits = {}) =>
      signDpopProof(signer, { method: 'POST', url: PAY_URL, nowS: Date.now() / 1_000, accessToken, ...edits }),
  }
}

/** A fake server that also signs grants. */
export interface GrantIssuer {
  readonly issuer: FakeIssuer
  readonly grantKid: string
  readonly rootFor: (holder: Holder, wish?: GrantWish) => Promise<string>
  readonly handOn: (chain: string, from: Holder, to: Holder) => Promise<string>
  /** Signs a chain in which each holder hands the authority of the first on to the next. */
  readonly chainThrough: (holders: readonly Holder[]) => Promise<string>
}

/** Creates a fake server whose JWKS also has a key for grants. */
export function grantIssuer(): GrantIssuer {
  const issuer = fakeIssuer()
  const signer = newSigner()
  const jwk = { ...signerJwk(signer), alg: 'Ed25519', use: 'sig', kid: signerKid(signer) }
  issuer.answers[JWKS] = { keys: [published(issuer.key), jwk] }
  const rootFor: GrantIssuer['rootFor'] = (holder, wish = {}) => {
    const { tools = TOOLS, to = [domainOf(holder)] } = wish
    return signRootGrant(signer, {
      ...about(holder, wish.lifetime),
      capabilities: read(tools),
      maxDepth: 8,
      allowedDomains: to,
    })
  }
  const handOn: GrantIssuer['handOn'] = async (chain, from, to) => {
    const statement = await signHolderStatement(signer, about(to, [0, 3_600]))
    const derivation = { issuer: ISSUER, to: to.signer.publicKey, statement, capabilities: read(TOOLS) }
    return deriveGrant(from.signer, chain, derivation, Math.floor(Date.now() / 1_000))
  }
  return {
    issuer,
    grantKid: signerKid(signer),
    rootFor,
    handOn,
    async chainThrough(holders) {
      const [principal, ...others] = holders
      if (principal === undefined) throw new RangeError('A chain must have a holder')
      let chain = await rootFor(principal, { to: [...new Set(holders.map(domainOf))] })
      for (const [index, next] of others.entries()) chain = await handOn(chain, holders[index] ?? principal, next)
      return chain
    },
  }
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

/** Returns the ids of the grants of a chain. */
export function idsOf(chain: string): readonly string[] {
  return chain.split('~').map((grant) => grantId(Buffer.from(grant.slice(0, grant.lastIndexOf('.')))))
}

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

function newSigner(): JwsSigner {
  const { publicKey, privateKey } = generateKeyPair()
  return { publicKey, sign: async (message) => sign(privateKey, message) }
}

function about({ did, operatorId, signer }: Holder, lifetime: readonly [number, number] = [0, 900]) {
  const nowS = Math.floor(Date.now() / 1_000)
  const [iat, exp] = [nowS + lifetime[0], nowS + lifetime[1]]
  return { issuer: ISSUER, did, operatorId, epoch: [3, 2] as const, publicKey: signer.publicKey, iat, exp }
}

function read(tools: object) {
  const capabilities = parseCapabilities(details(tools))
  if (!capabilities.ok) throw new RangeError(capabilities.rule)
  return capabilities.value
}

function domainOf({ did }: Holder): string {
  return did.split(':')[2] ?? ''
}
