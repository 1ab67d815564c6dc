import { decodeBase64url } from '../encoding/base64.ts'
import { newJti, signJwt } from '../identity/sign-jwt.ts'
import type { Ed25519Jwk } from '../jose/public-jwk.ts'
import { type JwsSigner, signerJwk, signerKid } from '../jose/signer-jwk.ts'
import { admitPublicKey } from '../keys/admit-key.ts'
import { thumbprintUri } from './check-derivation.ts'
import type { Capabilities } from './constraint.ts'
import { appendGrant } from './grant-chain.ts'
import { GRANT_ALGORITHM, GRANT_TYPE, HOLDER_STATEMENT_TYPE } from './grant-types.ts'
import { verifyHolderStatement } from './holder-statement.ts'
import { type AboutHolder, holderStatementClaims, type RootGrant, rootGrantClaims } from './issuer-claims.ts'
import type { GrantKeys } from './issuer-signature.ts'
import { formatCapabilities } from './parse-capabilities.ts'
import { type ChainRefusal, type GrantRefusal, grantRefusals } from './refusal.ts'
import { type VerifiedChain, verifyEach } from './verify-each.ts'
import { type GrantRules, type HolderKey, verifyGrant } from './verify-grant.ts'

/** A grant that the holder of a chain derives. */
export interface Derivation {
  readonly issuer: string
  /** The raw Ed25519 key of the new holder, and the issuer's statement about it. */
  readonly to: Uint8Array
  readonly statement: string
  readonly capabilities: Capabilities
  /** Unix seconds; by default, as long as the parent and the statement allow. */
  readonly expires?: number | undefined
  /** By default, the limit of the parent. */
  readonly maxDepth?: number | undefined
  /** By default, the domains of the parent. */
  readonly allowedDomains?: readonly string[] | undefined
}

/**
 * Thrown in place of a grant that every verifier would refuse. `refusal` has the reason and the rule.
 *
 * @example
 * ```ts
 * import { GrantRefusedError } from '@auth4agent/core/delegation/sign-grant'
 *
 * const reasonOf = (error: unknown) => (error instanceof GrantRefusedError ? error.refusal.reason : undefined)
 * ```
 */
export class GrantRefusedError extends Error {
  override readonly name = 'GrantRefusedError'
  readonly refusal: GrantRefusal | ChainRefusal

  constructor(refusal: GrantRefusal | ChainRefusal) {
    super(`${grantRefusals[refusal.reason]}: ${refusal.rule}`)
    this.refusal = refusal
  }
}

const alwaysValid = () => true
const trust = async (kid: string) => ({ kid, alg: GRANT_ALGORITHM, state: 'active', verify: alwaysValid }) as const
/**
 * The keys of a signer, under which every signature is valid. A signer checks form and rules of the grant.
 * It leaves the signatures of others to the verifier, so it needs no keys of the issuer and runs on every platform.
 */
const ANY_KEY: GrantKeys = { find: trust, findNow: trust }

/**
 * Signs a root grant with a key of the issuer. The key must sign nothing but roots and holder statements.
 *
 * @throws GrantRefusedError if a verifier would refuse the grant.
 * @throws RangeError as {@link signJwt}.
 * @example
 * ```ts
 * import { signRootGrant } from '@auth4agent/core/delegation/sign-grant'
 *
 * const chain = await signRootGrant(signer, { ...holder, capabilities, maxDepth: 3, allowedDomains: ['acme.test'] })
 * ```
 */
export async function signRootGrant(signer: JwsSigner, grant: RootGrant): Promise<string> {
  const claims = rootGrantClaims({ ...grant, jti: newJti() })
  const text = await sign(signer, { typ: GRANT_TYPE, kid: signerKid(signer) }, claims)
  orThrow(await readUnverifiedChain(text, grant.issuer))
  return text
}

/**
 * Signs a statement about an active agent with a key of the issuer.
 *
 * @throws GrantRefusedError if a verifier would refuse the statement.
 * @throws RangeError as {@link signJwt}.
 * @example
 * ```ts
 * import { signHolderStatement } from '@auth4agent/core/delegation/sign-grant'
 *
 * const about = { issuer, did, operatorId, epoch, publicKey, iat, exp: iat + 3_600 }
 * const statement = await signHolderStatement(signer, about)
 * ```
 */
export async function signHolderStatement(signer: JwsSigner, about: AboutHolder): Promise<string> {
  const text = await sign(signer, { typ: HOLDER_STATEMENT_TYPE, kid: signerKid(signer) }, holderStatementClaims(about))
  orThrow(await verifyHolderStatement(text, { issuer: about.issuer, keys: ANY_KEY }))
  return text
}

/**
 * Derives a grant from the last grant of a chain and appends it. The signer is the holder of that last grant. It
 * checks the new chain with the rules of the verifier, except for the signatures, times and revocation.
 *
 * @param nowS the signer's clock, in Unix seconds. A clock that is slower than the clock of the parent's signer does
 *   no harm.
 * @returns the text of the new chain.
 * @throws GrantRefusedError if a verifier would refuse the new chain.
 * @throws RangeError as {@link signJwt}.
 * @example
 * ```ts
 * import { deriveGrant } from '@auth4agent/core/delegation/sign-grant'
 *
 * const chain = await deriveGrant(signer, parentChain, { issuer, to, statement, capabilities }, Date.now() / 1_000)
 * ```
 */
export async function deriveGrant(
  signer: JwsSigner,
  parentChain: string,
  derivation: Derivation,
  nowS: number,
): Promise<string> {
  const { issuer, to, statement, capabilities, maxDepth, allowedDomains } = derivation
  const parent = orThrow(await readUnverifiedChain(parentChain, issuer)).chain.hops.at(-1)
  // Never happens: a genuine chain has a grant.
  if (parent === undefined) throw new RangeError('A chain must have a grant')
  const holder = orThrow(await verifyHolderStatement(statement, { issuer, keys: ANY_KEY })).statement
  const claims = {
    iss: thumbprintUri(signerKid(signer)),
    jti: newJti(),
    iat: Math.max(Math.floor(nowS), parent.iat),
    exp: derivation.expires ?? Math.min(parent.exp, holder.exp),
    par_hash: parent.id,
    del_depth: parent.depth + 1,
    del_max_depth: maxDepth ?? parent.maxDepth,
    cnf: { jwk: signerJwk({ publicKey: to }) },
    a4a_holder: statement,
    a4a_to: allowedDomains,
    authorization_details: formatCapabilities(capabilities),
  }
  const chain = appendGrant(parentChain, await sign(signer, { typ: GRANT_TYPE }, claims))
  orThrow(await readUnverifiedChain(chain, issuer))
  return chain
}

/**
 * Reads a chain for its holder: checks its form and all rules, but no signature. The holder gains
 * nothing from a forged chain. Never decide about access with it.
 *
 * @example
 * ```ts
 * import { readUnverifiedChain } from '@auth4agent/core/delegation/sign-grant'
 *
 * const read = await readUnverifiedChain(ownChain, 'https://auth.example')
 * const expires = read.ok ? read.chain.hops.at(-1)?.exp : undefined
 * ```
 */
export function readUnverifiedChain(text: string, issuer: string): Promise<VerifiedChain> {
  const rules: GrantRules = { issuer, keys: ANY_KEY, importKey: admitUnused }
  return verifyEach<never>(text, issuer, (grant, above) => verifyGrant(grant, above, rules))
}

/** Admits the key of a holder without importing it. */
function admitUnused({ x }: Ed25519Jwk): HolderKey | undefined {
  const raw = decodeBase64url(x)
  return raw !== undefined && admitPublicKey(raw).ok ? { verify: alwaysValid } : undefined
}

async function sign(signer: JwsSigner, header: object, claims: object): Promise<string> {
  if (signer.alg === 'ES256') throw new RangeError('A grant must be signed with an Ed25519 key')
  return signJwt(signer, { alg: GRANT_ALGORITHM, ...header }, claims)
}

function orThrow<T extends { readonly ok: true }>(checked: T | GrantRefusal | ChainRefusal): T {
  if (!checked.ok) throw new GrantRefusedError(checked)
  return checked
}
