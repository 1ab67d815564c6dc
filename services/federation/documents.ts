import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { FederationKeys, FederationSigners } from '../keys/index.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import {
  authorityId,
  buildAuthorityConfiguration,
  buildIssuerConfiguration,
  buildSignedKeySet,
  buildSubordinateStatement,
  type OwnEntity,
  type Subordinate,
} from './domain/build-statements.ts'
import { FEDERATION_ENTITY } from './domain/constraints.ts'
import { readEntityKeys } from './domain/entity-keys.ts'
import { parseEntityStatement } from './domain/entity-statement.ts'
import type { Metadata } from './domain/metadata-policy.ts'
import { type VerifiedChain, verifyChain } from './domain/verify-chain.ts'
import { signOnce } from './sign-once.ts'

/** What the documents of this deployment are made of. */
export interface FederationOptions {
  readonly issuer: string
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly federationKeys: FederationKeys
  readonly federationSigners: FederationSigners
  /** The metadata of the authorization server (RFC 8414). */
  readonly authorizationServer: JsonObject
  /** Entity identifiers of the issuer's superiors in other federations. */
  readonly superiors: readonly string[]
}

/** The signed documents of this deployment, each a JWT. All throw ApiError UNAVAILABLE while no key can sign. */
export interface FederationDocuments {
  issuerConfiguration(): Promise<string>
  authorityConfiguration(): Promise<string>
  /** What the authority says about the issuer. */
  subordinateStatement(): Promise<string>
  /** The resolved metadata of the issuer under the authority, of all entity types or of those that are listed. */
  resolveResponse(types: readonly string[]): Promise<string>
  historicalKeys(): Promise<string>
  /** The keys of tokens. */
  signedKeySet(): Promise<string>
  /** What the authority says about an entity that the administrator has recorded. */
  statementAbout(subordinate: Subordinate): Promise<string>
  /** A chain of another entity to its trust anchor, as a resolve response of our authority. */
  resolvedResponse(resolved: ResolvedChain, types: readonly string[]): Promise<string>
}

/** A chain of another entity that holds now. */
export interface ResolvedChain {
  readonly id: string
  readonly chain: Pick<VerifiedChain, 'subject' | 'metadata'>
  readonly statements: readonly string[]
  /** Until when the chain is used, in Unix milliseconds. */
  readonly expiresAt: number
}

/** How long a statement is valid, in seconds. Verifiers use a chain until its first statement expires. */
const LIFETIME_S = 3_600

/**
 * Creates the documents. Each is signed at most once a minute, because strangers ask for them, and a hardware token
 * may sign slowly. A change of the keys makes all of them anew.
 */
export function createDocuments(options: FederationOptions): FederationDocuments {
  const { issuer, now, federationKeys, federationSigners: signers, authorizationServer, superiors } = options
  const once = signOnce(now, async () => (await federationKeys.published()).map(({ kid }) => kid))
  const nowS = () => Math.floor(now() / 1_000)
  const authority = authorityId(issuer)
  const entity = async (authorityHints: readonly string[]): Promise<OwnEntity> => {
    return { issuer, keys: await federationKeys.published(), authorityHints, nowS: nowS(), lifetimeS: LIFETIME_S }
  }
  const documents: FederationDocuments = {
    issuerConfiguration: () =>
      once('issuer', async () =>
        signers.statements.sign(buildIssuerConfiguration(await entity([authority, ...superiors]), authorizationServer)),
      ),
    authorityConfiguration: () =>
      once('authority', async () => signers.statements.sign(buildAuthorityConfiguration(await entity([])))),
    subordinateStatement: () =>
      once('subordinate', async () => {
        const own = await entity([])
        const jwks = { keys: own.keys.map(({ kid, alg, jwk }) => Object.assign({ kid, alg }, jwk)) }
        const built = buildSubordinateStatement({ entityId: issuer, jwks }, own)
        if (!built.ok) throw new Error(`No statement about the issuer can be made: ${built.text}`)
        return signers.statements.sign(built.claims)
      }),
    async resolveResponse(types) {
      const chain = [documents.issuerConfiguration(), documents.subordinateStatement()]
      const texts = await Promise.all([...chain, documents.authorityConfiguration()])
      const keys = (await entity([])).keys.map(({ kid, alg, jwk }) => Object.assign({ kid, alg }, jwk))
      const { metadata, exp } = resolveOwn(texts, authority, { keys, nowS: nowS() })
      const wanted = choose(metadata, types)
      return once(`resolve ${wanted.map(([type]) => type).join(' ')}`, () =>
        signers.resolveResponses.sign({
          iss: authority,
          sub: issuer,
          iat: nowS(),
          exp,
          metadata: Object.fromEntries(wanted),
          trust_chain: texts,
        }),
      )
    },
    async resolvedResponse({ id, chain, statements, expiresAt }, types) {
      const wanted = choose(chain.metadata, types)
      return once(`resolve ${id} ${wanted.map(([type]) => type).join(' ')}`, () =>
        signers.resolveResponses.sign({
          iss: authority,
          sub: chain.subject,
          iat: nowS(),
          exp: Math.floor(expiresAt / 1_000),
          metadata: Object.fromEntries(wanted),
          trust_chain: statements,
        }),
      )
    },
    async signedKeySet() {
      const keys = await federationKeys.jwks()
      // A key that was marked as compromised must be absent at once.
      return once(`keys ${keys.map(({ kid }) => kid).join(' ')}`, async () =>
        signers.keySets.sign(buildSignedKeySet({ issuer, nowS: nowS(), lifetimeS: LIFETIME_S }, keys)),
      )
    },
    async statementAbout(subordinate) {
      const built = buildSubordinateStatement(subordinate, { issuer, nowS: nowS(), lifetimeS: LIFETIME_S })
      if (!built.ok) throw new Error(`No statement about ${subordinate.entityId} can be made: ${built.text}`)
      const { iat: _, exp: __, ...content } = built.claims
      return once(`about ${JSON.stringify(content)}`, () => signers.statements.sign(built.claims))
    },
    historicalKeys: () =>
      once('historical', async () => {
        const past = await federationKeys.past()
        return signers.keySets.sign({ iss: authority, iat: nowS(), keys: past.map(historicalKey) })
      }),
  }
  return documents
}

/**
 * Entity types of which a resolve response shows the metadata. Strangers choose among them, and each choice is a
 * document to sign, so an entity with many types must not add more.
 */
const SHOWN_TYPES: ReadonlySet<string> = new Set(['oauth_authorization_server', FEDERATION_ENTITY])

/** Chooses the metadata of the listed entity types, or of all that are shown. */
function choose(metadata: Metadata, types: readonly string[]): (readonly [string, JsonObject])[] {
  return [...metadata].filter(([type]) => SHOWN_TYPES.has(type) && (types.length === 0 || types.includes(type)))
}

/** Verifies our own chain as others do, so that the answer never says more than it proves. */
function resolveOwn(
  texts: readonly string[],
  authority: string,
  { keys, nowS }: { readonly keys: readonly object[]; readonly nowS: number },
) {
  const parsed = texts.map((text) => parseEntityStatement(text))
  const statements = parsed.flatMap((each) => (each.ok ? [each.statement] : []))
  const anchor = { entityId: authority, keys: readEntityKeys({ keys }) ?? new Map() }
  const result = verifyChain(statements, anchor, nowS)
  if (result.ok) return result.chain
  // A key was rotated or marked between the signatures.
  throw new ApiError('UNAVAILABLE', 'The federation keys have just changed; try again', { retryAfter: 1 })
}

/** Writes a key of the past (OpenID Federation 1.0 section 8.7.2). */
function historicalKey({
  kid,
  alg,
  jwk,
  state,
  createdAt,
  endedAt,
}: Awaited<ReturnType<FederationKeys['past']>>[number]) {
  const exp = seconds(endedAt)
  const revoked = state === 'compromised' && { revoked: { revoked_at: exp, reason: 'compromised' } }
  return { kid, alg, use: 'sig', ...jwk, iat: seconds(createdAt), exp, ...revoked }
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000)
}
