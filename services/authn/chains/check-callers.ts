import type { GrantIdentity } from '@auth4agent/core/delegation/chain-lookups'
import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { parseDid } from '@auth4agent/core/identity/did'
import { parseAudience } from '@auth4agent/core/token/audience'
import { admitCaller } from '../../operator-registry/index.ts'
import type { AuthnDeps } from '../config.ts'
import type { Caller } from '../domain/decide-audience.ts'
import type { Refusal } from './check-holders.ts'

/** The dependencies of findOpenAudiences. */
export type OwnerDeps = Pick<AuthnDeps, 'issuer' | 'operators'>

/** The audiences at which every party may be, or the refusal of a party if there are none. */
export type OpenAudiences = { readonly audiences: readonly [string, ...string[]] } | { readonly refusal: Refusal }

/**
 * Returns the operators of agents as the owners of audiences know them, each once. Users are no callers: a token names
 * the edge that lets its user in.
 */
export function callersOf(parties: readonly Pick<GrantIdentity, 'did' | 'operatorId'>[]): readonly Caller[] {
  const domains = new Map<string, string>()
  for (const { did, operatorId } of parties) {
    const domain = parseDid(did)?.domain
    if (domain !== undefined) domains.set(operatorId, domain)
  }
  return Array.from(domains, ([id, domain]) => ({ id, domain }))
}

/**
 * Finds the audiences whose owners let every party of delegated authority call them. It is the rule by which tokens
 * are issued and exchanged. An audience without an owner, and the issuer, are open to all.
 *
 * @throws ApiError UNAVAILABLE
 */
export async function findOpenAudiences(
  deps: OwnerDeps,
  audiences: readonly string[],
  parties: DelegatedAuthority['parties'],
): Promise<OpenAudiences> {
  const strangers = await Promise.all(audiences.map((text) => findStranger(deps, text, parties)))
  const [first, ...others] = audiences.filter((_text, at) => strangers[at] === undefined)
  if (first !== undefined) return { audiences: [first, ...others] }
  // The one that is furthest says the most: at its audience, all parties before it may call.
  const hop = Math.max(0, ...strangers.map((at) => at ?? 0))
  return { refusal: { reason: hop === 0 ? 'OPERATOR_NOT_TRUSTED' : 'ACTOR_NOT_TRUSTED', hop } }
}

/** Returns the place of the first party that may not call an audience; undefined if all may. */
async function findStranger(
  { issuer, operators }: OwnerDeps,
  text: string,
  parties: DelegatedAuthority['parties'],
): Promise<number | undefined> {
  // No operator owns the issuer, even if the issuer's host is under the domain of an operator.
  const audience = text === issuer ? undefined : parseAudience(text)
  if (audience === undefined) return undefined
  const callers = callersOf(parties).map(({ domain }) => domain)
  const owner = await operators.lookupAudienceOwner({ host: audience.host, audiences: [audience.text], callers })
  const at = parties.findIndex((party) => callersOf([party]).some((caller) => !admitCaller(audience, owner, caller)))
  return at === -1 ? undefined : at
}
