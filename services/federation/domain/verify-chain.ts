import { isDeepStrictEqual } from 'node:util'
import { checkChainTimes, checkConstraints, checkHints } from './chain-rules.ts'
import { type ChainShape, pathOf, shapeChain } from './chain-shape.ts'
import { checkSignatures } from './chain-signatures.ts'
import type { EntityKey, EntityKeys } from './entity-keys.ts'
import type { EntityStatement } from './entity-statement.ts'
import { findKeySource } from './key-source.ts'
import type { Metadata } from './metadata-policy.ts'
import { type ChainRefusal, quote, refuseChain } from './refusal.ts'
import { resolveMetadata } from './resolve-metadata.ts'

/** An entity that the administrator trusts, with the only keys that count for it. */
export interface TrustAnchor {
  readonly entityId: string
  readonly keys: EntityKeys
}

/** A chain that holds. It is bound to its anchor: its result must not be used for another anchor. */
export interface VerifiedChain {
  readonly subject: string
  readonly anchor: string
  /** Entity identifiers from the subject to the anchor. */
  readonly path: readonly string[]
  /** The keys of the subject that its immediate superior attests and its own configuration has. */
  readonly keys: EntityKeys
  /** The metadata of the subject, as its superiors allow it. */
  readonly metadata: Metadata
  /** When the subject made its configuration, in Unix seconds. */
  readonly iat: number
  /** The earliest expiry of a statement, in Unix seconds (section 10.4). */
  readonly exp: number
  /** The `kid` of each key that the anchor publishes and that is not pinned. Such keys verify nothing here. */
  readonly unpinned: readonly string[]
}

/** A chain that holds, or the rule that it breaks and where. */
export type ChainResult = { readonly ok: true; readonly chain: VerifiedChain } | ChainRefusal

const AUTHORIZATION_SERVER = 'oauth_authorization_server'

/**
 * Verifies a trust chain (OpenID Federation 1.0 section 10.2) whose subject is an OAuth authorization server: the
 * subject's configuration, one statement by each superior about the entity below it, and the anchor's configuration.
 * Cheap rules come before the signatures.
 *
 * The chain does not contain the configurations of intermediates. So it does not show whether an intermediate names
 * its superior in `authority_hints`; the collector of the chain must follow these hints.
 *
 * @param nowS the time, in Unix seconds.
 */
export function verifyChain(statements: readonly EntityStatement[], anchor: TrustAnchor, nowS: number): ChainResult {
  const shaped = shapeChain(statements, anchor.entityId)
  if (!shaped.ok) return shaped
  const { shape } = shaped
  const refusal = checkHints(shape) ?? checkChainTimes(shape, nowS) ?? checkConstraints(shape)
  if (refusal !== undefined) return refusal
  const resolved = resolveMetadata(shape)
  if (!resolved.ok) return resolved
  const { metadata } = resolved
  return (
    checkIssuer(metadata, shape.configuration.sub) ??
    checkKeySource(metadata, shape) ??
    checkSignatures(shape, anchor.keys) ?? { ok: true, chain: summarize(shape, anchor, metadata) }
  )
}

/** Checks that the subject is the issuer that it claims to be (section 5.1.4). */
function checkIssuer(metadata: Metadata, subject: string): ChainRefusal | undefined {
  const server = metadata.get(AUTHORIZATION_SERVER)
  if (server === undefined) {
    const text = `The resolved metadata must have the entity type ${AUTHORIZATION_SERVER}`
    return refuseChain(0, { rule: 'ISSUER_MISSING', text })
  }
  if (server['issuer'] === subject) return undefined
  return refuseChain(0, { rule: 'ISSUER_MISMATCH', text: `The resolved issuer must be ${quote(subject)}` })
}

/**
 * Checks that the subject itself has chosen the keys of its tokens. Superiors attest an issuer and limit it. One that
 * could replace these keys could make tokens in the name of every issuer below it.
 */
function checkKeySource(metadata: Metadata, shape: ChainShape): ChainRefusal | undefined {
  const { configuration } = shape
  const keys = attestedKeys(shape)
  const stated = findKeySource({ metadata: configuration.metadata, keys })
  if (isDeepStrictEqual(findKeySource({ metadata, keys }), stated)) return undefined
  const text = `The keys for tokens must come from the place that ${quote(configuration.sub)} itself names`
  return refuseChain(0, { rule: 'KEYS_REPLACED', text })
}

function summarize(shape: ChainShape, anchor: TrustAnchor, metadata: Metadata): VerifiedChain {
  const { configuration, steps, top } = shape
  return {
    subject: configuration.sub,
    anchor: anchor.entityId,
    path: pathOf(shape),
    keys: attestedKeys(shape),
    metadata,
    iat: configuration.iat,
    exp: Math.min(...[configuration, ...steps, top].map(({ exp }) => exp)),
    unpinned: findUnpinned(top, anchor),
  }
}

/** Returns the `kid` of each key in the configuration of an anchor that is not pinned. */
export function findUnpinned({ keys }: Pick<EntityStatement, 'keys'>, anchor: TrustAnchor): readonly string[] {
  const pins = new Set([...anchor.keys.values()].map(({ thumbprint }) => thumbprint))
  return [...keys.values()].filter(({ thumbprint }) => !pins.has(thumbprint)).map(({ kid }) => kid)
}

function attestedKeys({ configuration, steps }: ChainShape): EntityKeys {
  const own = configuration.keys
  const attested = steps[0]?.keys ?? new Map<string, EntityKey>()
  return new Map([...attested].filter(([kid, { thumbprint }]) => own.get(kid)?.thumbprint === thumbprint))
}
