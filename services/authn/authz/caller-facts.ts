import { parseDid } from '@auth4agent/core/identity/did'
import type { JsonObject } from '@bufbuild/protobuf'
import type { ForeignTrust, ForeignVerification } from '../../trust/index.ts'
import type { AuthorityVerification } from '../chains/verify-authority.ts'
import { membersOfAuthority, membersOfToken } from '../oauth/introspection-members.ts'
import type { Verification } from '../verify-token.ts'

type Valid<V> = Extract<V, { readonly valid: true }>

/** The part of the answer about a valid token of a foreign issuer that the API is told. */
interface ForeignVerified extends Pick<Valid<ForeignVerification>, 'valid' | 'claims'> {
  readonly trust: {
    readonly issuer: Pick<ForeignTrust['issuer'], 'kind' | 'mode'>
    readonly trusted: Pick<ForeignTrust['trusted'], 'scopes' | 'audience' | 'edges'>
  }
}

/** The answer about a valid token. */
export type Verified = Valid<Verification | AuthorityVerification> | ForeignVerified

/** What the API is told about the caller, by the end of the header's name. An empty text means: nothing to tell. */
export interface CallerFacts {
  /** The issuer of the token. Only together with it, the subject of a foreign issuer names one caller. */
  readonly issuer: string
  /** The agent whose authority is used, or a user such as `user:alice`. */
  readonly subject: string
  /** Id of the subject's operator; of the agent that acts, if a rule of the administrator maps the subject. */
  readonly operator: string
  readonly domain: string
  readonly scope: string
  /** The agent or other client that acts for the subject; empty if the subject acts itself. */
  readonly actor: string
  readonly jti: string
  /** Unix seconds. */
  readonly expires: string
}

/** The ends of all header names. */
export const FACTS = ['issuer', 'subject', 'operator', 'domain', 'scope', 'actor', 'jti', 'expires'] as const

/** The facts about a caller, for headers and for the metadata of Envoy. */
export interface Told {
  readonly facts: CallerFacts
  readonly metadata: JsonObject
}

/** What a route demands, as far as it decides what is told. */
export interface TellingDemands {
  readonly audience: readonly string[]
  readonly scope: string
}

/**
 * Returns the facts about the caller of a valid token. Delegated authority tells only the scope that the route
 * demands: its other scopes may be constrained, or be for another audience.
 */
export function callerFacts(verified: Verified, demands: TellingDemands): Told {
  if ('authority' in verified) return ofAuthority(verified, demands)
  if ('trust' in verified) return ofForeign(verified)
  const { claims } = verified
  const { sub: subject, jti, exp, iss: issuer, scope } = claims
  // The id of an operator of another deployment may be that of an operator here.
  const operator = claims.home === undefined ? claims.operator_id : ''
  const facts = { issuer, subject, operator, domain: domainOf(subject), scope, actor: '', jti, expires: String(exp) }
  return { facts, metadata: toJson(membersOfToken(claims)) }
}

function ofAuthority({ authority }: Extract<Verified, { authority: unknown }>, demands: TellingDemands): Told {
  const members = membersOfAuthority(authority, demands.audience)
  const { principal, parties, actor, exp } = authority
  return {
    facts: {
      issuer: members.iss,
      subject: principal,
      operator: parties[0].operatorId,
      domain: domainOf(parties[0].did),
      scope: demands.scope,
      // The holder of a root grant acts itself.
      actor: actor === principal ? '' : actor,
      jti: members.jti,
      expires: String(exp),
    },
    metadata: toJson({ ...members, scope: demands.scope }),
  }
}

/** The scopes of a foreign token are those that the statements give it here, and not those that it names. */
function ofForeign({ claims, trust: { issuer, trusted } }: Extract<Verified, { trust: unknown }>): Told {
  const { iss, sub: subject, jti, exp } = claims
  const scope = trusted.scopes.join(' ')
  // An issuer of the kind `oauth` may name any subject, and has proven no domain for it.
  const domain = issuer.kind === 'oauth' ? '' : domainOf(subject)
  const facts = { issuer: iss, subject, operator: '', domain, scope, actor: '', jti, expires: String(exp) }
  const { epoch: _epoch, ...members } = claims
  const trust = { audience: trusted.audience, edges: trusted.edges, revocation_mode: issuer.mode }
  return { facts, metadata: toJson({ ...members, scope, trust }) }
}

/**
 * Tells whether the facts can be sent without misleading the API: as texts of visible ASCII characters, and never with
 * an agent of this deployment's form as the subject of an issuer that may name any subject.
 */
export function isSendable(facts: CallerFacts): boolean {
  const isText = FACTS.every((name) => /^(?:[\x21-\x7e]+(?: [\x21-\x7e]+)*)?$/.test(facts[name]))
  return isText && (facts.domain !== '' || !facts.subject.startsWith('did:'))
}

function domainOf(did: string): string {
  return parseDid(did)?.domain ?? ''
}

function toJson(members: object): JsonObject {
  return JSON.parse(JSON.stringify(members))
}
