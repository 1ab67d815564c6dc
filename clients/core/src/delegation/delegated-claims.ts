import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { isUuid } from '../encoding/uuid.ts'
import { parseDid } from '../identity/did.ts'
import type { IssuerGeneration } from '../revocation/revocation-log.ts'
import { type AccessTokenClaims, type Confirmation, isJti, parseAccessTokenClaims } from '../token/claims.ts'
import type { GrantIdentity } from './chain-lookups.ts'
import type { Capabilities } from './constraint.ts'
import { EPOCHS } from './grant-forms.ts'
import { MAX_DEPTH } from './grant-types.ts'
import { formatCapabilities, parseCapabilities } from './parse-capabilities.ts'

/** Who acts (RFC 8693 section 4.1): the last party, with the party before it in its own `act`. */
export type Actor = {
  readonly sub: string
  readonly act?: Actor
}

/**
 * Claims of a delegated token: an access token of the principal with which another agent acts (RFC 8693 section 4.1).
 * `sub`, `operator_id` and `epoch` are those of the principal, `client_id` and `cnf` those of the agent that acts. If
 * the principal is a user, `operator_id` and `epoch` are those of the agent too; see `UserClaims`.
 */
export interface DelegatedClaims extends Omit<AccessTokenClaims, 'may_act' | 'home'> {
  readonly cnf: Confirmation
  /**
   * Every party, the principal first and the agent that acts last: at least two. `id` and `kid` are those of the grant
   * or access token that gave the party its authority. If one of them ends, the token ends. Empty if the principal is
   * a user.
   */
  readonly lineage: readonly GrantIdentity[]
  /** The identity provider that vouched for the principal. Only a user has one. */
  readonly provider?: IssuerGeneration
  /** Under whom the user stands. A user whom a rule of the administrator maps stands under no operator. */
  readonly user?: UserStanding
  /**
   * What the token allows in addition to `scope`: mostly scopes with constraints, each at one audience. A service that
   * knows only `aud` and `scope` grants none of it.
   */
  readonly details: Capabilities
}

/** The operator of a user, and the epochs of both when the token was issued. */
export interface UserStanding {
  readonly operatorId: string
  readonly epoch: readonly [user: number, operator: number]
}

/** Members of an entry of `a4a_lineage`, in their order. */
type LineageEntry = readonly [
  operatorId: string,
  did: string,
  agentEpoch: number,
  operatorEpoch: number,
  id: string,
  kid: string,
]

const MAX_PARTIES = MAX_DEPTH + 1
const KID = /^[\x21-\x7e]{1,128}$/

/**
 * Returns the payload of a delegated token.
 *
 * @example
 * ```ts
 * import { formatDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
 *
 * const token = await sign(formatDelegatedClaims(claims))
 * ```
 */
export function formatDelegatedClaims({ lineage, details, ...claims }: Omit<DelegatedClaims, 'provider' | 'user'>) {
  return {
    ...claims,
    act: actorOf(lineage),
    a4a_lineage: lineage.map(
      ({ operatorId, did, epoch, id, kid }): LineageEntry => [operatorId, did, epoch[0], epoch[1], id, kid],
    ),
    ...(details.size > 0 && { authorization_details: formatCapabilities(details) }),
  }
}

/**
 * Reads the payload of a delegated token strictly, as `parseAccessTokenClaims` does for other access tokens. `act` and
 * `a4a_lineage` must name the same parties.
 *
 * @returns the claims, or undefined if anything is wrong.
 * @example
 * ```ts
 * import { parseDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
 *
 * const principal = parseDelegatedClaims(jws.payload)?.sub
 * ```
 */
export function parseDelegatedClaims(payload: JsonObject): DelegatedClaims | undefined {
  // A newer version may restrict the token in a way that this version cannot enforce.
  if (Object.keys(payload).some((name) => name.startsWith('a4a_') && name !== 'a4a_lineage')) return undefined
  const { act, a4a_lineage: entries, authorization_details: details, client_id: clientId, ...rest } = payload
  const claims = parseAccessTokenClaims({ ...rest, client_id: rest['sub'] })
  const lineage = readLineage(entries)
  if (claims?.cnf === undefined || lineage === undefined) return undefined
  if (claims.may_act !== undefined || claims.home !== undefined) return undefined
  const [principal, last] = [lineage[0], lineage.at(-1)]
  if (principal?.did !== claims.sub || principal.operatorId !== claims.operator_id) return undefined
  if (!principal.epoch.every((epoch, at) => epoch === claims.epoch[at])) return undefined
  if (last === undefined || last.did !== clientId || !isActor(act, lineage.slice(1))) return undefined
  const capabilities = Object.hasOwn(payload, 'authorization_details') ? readDetails(details, claims) : new Map()
  return capabilities && { ...claims, client_id: last.did, cnf: claims.cnf, lineage, details: capabilities }
}

/**
 * Returns the claim `act` for the parties of a delegation, the principal first. It is undefined without another party.
 *
 * @example
 * ```ts
 * import { actorOf } from '@auth4agent/core/delegation/delegated-claims'
 *
 * actorOf([a, b, c]) // { sub: c.did, act: { sub: b.did } }
 * ```
 */
export function actorOf([, ...others]: readonly Pick<GrantIdentity, 'did'>[]): Actor | undefined {
  return others.reduce<Actor | undefined>(
    (earlier, { did }) => (earlier === undefined ? { sub: did } : { sub: did, act: earlier }),
    undefined,
  )
}

/**
 * Returns the claim `act` of a delegated token.
 *
 * @example
 * ```ts
 * import { actOf } from '@auth4agent/core/delegation/delegated-claims'
 *
 * actOf(claims)?.sub // the DID of the agent that acts
 * ```
 */
export function actOf({ provider, lineage, client_id: sub }: Omit<DelegatedClaims, 'cnf'>): Actor | undefined {
  return provider === undefined ? actorOf(lineage) : { sub }
}

/** Compares `act` with the parties that it must name, the outermost last. An object may have no other member. */
function isActor(act: unknown, parties: readonly GrantIdentity[]): boolean {
  const [party, earlier] = [parties.at(-1), parties.slice(0, -1)]
  if (!isJsonObject(act) || act['sub'] !== party?.did) return false
  const members = Object.keys(act).length
  return earlier.length === 0 ? members === 1 : members === 2 && isActor(act['act'], earlier)
}

function readLineage(entries: unknown): readonly GrantIdentity[] | undefined {
  if (!Array.isArray(entries) || entries.length < 2 || entries.length > MAX_PARTIES) return undefined
  const parties = entries.map(readParty)
  return parties.every((party) => party !== undefined) ? parties : undefined
}

function readParty(entry: unknown): GrantIdentity | undefined {
  if (!Array.isArray(entry) || entry.length !== 6) return undefined
  const [operatorId, did, agentEpoch, operatorEpoch, id, kid]: readonly unknown[] = entry
  const epoch = [agentEpoch, operatorEpoch]
  if (typeof operatorId !== 'string' || !isUuid(operatorId) || !EPOCHS.holds(epoch)) return undefined
  if (typeof did !== 'string' || parseDid(did) === undefined) return undefined
  if (typeof id !== 'string' || !isJti(id) || typeof kid !== 'string' || !KID.test(kid)) return undefined
  return { operatorId, did, epoch, id, kid }
}

/** Reads what the token allows in addition to `scope`: other scopes, each at an audience of the token. */
function readDetails(details: unknown, { aud, scope }: AccessTokenClaims): Capabilities | undefined {
  const read = parseCapabilities(details)
  if (!read.ok) return undefined
  const unconstrained = scope.split(' ')
  const isFurther = (capability: string) =>
    aud.some(
      (audience) =>
        capability.startsWith(`${audience}#`) && !unconstrained.includes(capability.slice(audience.length + 1)),
    )
  return [...read.value.keys()].every(isFurther) ? read.value : undefined
}
