import { ADMIN_ISSUER } from '@auth4agent/core/identity/assertion'
import { type AdmittedIssuer, readIssuer } from './administrator-issuers.ts'
import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { createCaller } from './caller.ts'

/** An entity whose trust chains count. */
export interface NewTrustAnchor {
  /** Its entity identifier, byte for byte. */
  readonly entity_id: string
  /** The only keys that count for it: a JWK Set as JSON text. Get them by another way than the network. */
  readonly jwks: string
  /** Place among the anchors, 0 to 1000. The lowest is preferred. */
  readonly position?: number | undefined
  /** Whether issuers are admitted without further approval. It needs `permitted_names`. */
  readonly auto_admit?: boolean | undefined
  /** Hosts, or domains with a period in front, of the only issuers that count under this anchor. */
  readonly permitted_names?: readonly string[] | undefined
}

/** An entity about which the deployment's authority makes statements. */
export interface NewSubordinate {
  /** Its entity identifier, byte for byte. */
  readonly entity_id: string
  /** Its keys for statements: a JWK Set as JSON text. */
  readonly jwks: string
  /** By default `oauth_authorization_server`. */
  readonly entity_types?: readonly string[] | undefined
  /** The claim of this name, as JSON text. */
  readonly metadata_policy?: string | undefined
  /** The claim of this name, as JSON text. */
  readonly constraints?: string | undefined
}

const anchorShape = {
  entity_id: 'text',
  position: 'count',
  auto_admit: 'flag',
  permitted_names: 'texts',
  kids: 'texts',
  unpinned_kids: 'texts',
  created_at: 'text?',
} as const satisfies Shape
/** A trust anchor. `kids` are its pinned keys, and `unpinned_kids` other keys that it has published. */
export type TrustAnchor = Answer<typeof anchorShape>

const candidateShape = {
  issuer: 'text',
  anchor: 'text',
  path: 'texts',
  keys_from: 'text',
  found_at: 'text?',
  expires_at: 'text?',
} as const satisfies Shape
/** An issuer with a trust chain to one of the anchors. */
export type IssuerCandidate = Answer<typeof candidateShape>

const subordinateShape = {
  entity_id: 'text',
  entity_types: 'texts',
  kids: 'texts',
  metadata_policy: 'text?',
  constraints: 'text?',
  created_at: 'text?',
} as const satisfies Shape
/** A subordinate of the deployment's authority. */
export type Subordinate = Answer<typeof subordinateShape>

/** The administrator's calls about OpenID Federation. */
export interface FederationCalls {
  /** Trusts an anchor, or replaces what is recorded of it. Issuers whose chains do not hold any more are disabled. */
  putAnchor(
    anchor: NewTrustAnchor,
  ): Promise<{ readonly anchor: TrustAnchor; readonly disabled_issuers: readonly string[] }>
  /** Lists the anchors in the order of preference. */
  listAnchors(): Promise<readonly TrustAnchor[]>
  /** Trusts an anchor no longer, and disables the issuers that its chains attested. */
  removeAnchor(entityId: string, reason?: string): Promise<{ readonly disabled_issuers: readonly string[] }>
  /** Looks for a chain from an issuer to an anchor. `issuer` is set if the anchor admitted it at once. */
  discover(
    issuer: string,
  ): Promise<{ readonly candidate: IssuerCandidate; readonly issuer: AdmittedIssuer | undefined }>
  /** Lists the issuers that wait for approval. `issuers.add` with their `anchor` admits them. */
  listCandidates(): Promise<readonly IssuerCandidate[]>
  /** Makes the authority state something about an entity, or replaces what is recorded of it. */
  putSubordinate(subordinate: NewSubordinate): Promise<Subordinate>
  /** Lists the subordinates, except the deployment's own issuer. */
  listSubordinates(): Promise<readonly Subordinate[]>
  /** Ends the statements about a subordinate. Others use the last one for up to an hour. */
  removeSubordinate(entityId: string, reason?: string): Promise<void>
}

const PATH = '/v1/federation'

/** Makes the calls about OpenID Federation. */
export function federationCalls(caller: Pick<ReturnType<typeof createCaller>, 'call'>): FederationCalls {
  const change = (path: string, body: object) =>
    caller.call(ADMIN_ISSUER, { method: 'POST', path: `${PATH}/${path}`, body })
  const list = async <S extends Shape>(path: string, shape: S) => {
    const answer = await caller.call(ADMIN_ISSUER, { method: 'GET', path: `${PATH}/${path}` })
    return readAnswers(shape, readAnswer({ [path]: 'any' } as const, answer)[path])
  }
  return {
    async putAnchor(anchor) {
      const answer = readAnswer({ anchor: 'any', disabled_issuers: 'texts' }, await change('anchors', anchor))
      return { anchor: readAnswer(anchorShape, answer.anchor), disabled_issuers: answer.disabled_issuers }
    },
    listAnchors: () => list('anchors', anchorShape),
    removeAnchor: async (entity_id, reason) =>
      readAnswer({ disabled_issuers: 'texts' }, await change('anchors/remove', { entity_id, reason })),
    async discover(issuer) {
      const answer = readAnswer({ candidate: 'any', issuer: 'any' }, await change('discover', { issuer }))
      const admitted = answer.issuer ?? undefined
      return {
        candidate: readAnswer(candidateShape, answer.candidate),
        issuer: admitted === undefined ? undefined : readIssuer(admitted),
      }
    },
    listCandidates: () => list('candidates', candidateShape),
    async putSubordinate(subordinate) {
      const answer = readAnswer({ subordinate: 'any' }, await change('subordinates', subordinate))
      return readAnswer(subordinateShape, answer.subordinate)
    },
    listSubordinates: () => list('subordinates', subordinateShape),
    async removeSubordinate(entity_id, reason) {
      await change('subordinates/remove', { entity_id, reason })
    },
  }
}
