import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readDemandedAudiences } from '@auth4agent/core/token/audience'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { type AttestationOptions, readAttestation } from './attestation-options.ts'

/** The DPoP proof (RFC 9449) that came with a token, and the request that contained both. */
export interface PresentedProof {
  /** The value of the header `DPoP`. */
  readonly proof: string
  /** The method of the request, such as GET. */
  readonly method: string
  /**
   * The URL of the request as its client knows it, never made from the header `Host`. Query and fragment are not
   * compared. If it is undefined, no proof is accepted.
   */
  readonly url: string | undefined
}

/** The requirements of one call, in addition to those of the verifier. */
export interface Wanted {
  /** Scopes, separated by spaces. The token must have all of them. */
  readonly scope?: string
  /** Used instead of the verifier's own audience. */
  readonly audience?: string | readonly string[]
  /**
   * The DPoP proof that came with the token, if one came. A token that is bound to a key is accepted only with a proof
   * of this key, and with a proof only such a token is accepted. 'required' says that no proof came, and that a token
   * that is not bound must be refused too.
   */
  readonly dpop?: PresentedProof | 'required'
  /**
   * A result of attestation that the token must state. Used instead of the verifier's own `attestation`. It needs a
   * verifier with a list of operators.
   */
  readonly attestation?: AttestationOptions
}

/** The option names of requirements. */
export const WANTED_NAMES: Names<Wanted> = { scope: true, audience: true, dpop: true, attestation: true }
const PROOF_NAMES: Names<PresentedProof> = { proof: true, method: true, url: true }
/** The most scope texts whose parsed form is kept. Programs have fewer. Any other text is parsed each time. */
const MAX_SCOPES = 256

/** What a verification demands of the token of any issuer: the options of the verifier and of the call. */
export interface Demands extends Omit<Requirements, 'operators'> {
  readonly dpop: PresentedProof | 'required' | undefined
}

/**
 * Makes a function that turns the options of a call into demands. It throws TypeError for an unknown option, such as
 * `scopes`, and for an option that is present but empty or undefined. Such a value is most likely a variable that was
 * not set, and must not mean "none required".
 *
 * @param isAnyOperator whether the operators of an issuer are 'any'
 */
export function createDemands(base: Demands, isAnyOperator: boolean): (wanted: Wanted | undefined) => Demands {
  const scopes = new Map<string, Demands>()
  const withScope = (scope: unknown): Demands => {
    const known = typeof scope === 'string' ? scopes.get(scope) : undefined
    if (known !== undefined) return known
    const demands = { ...base, scope: readScope(scope) }
    if (scopes.size < MAX_SCOPES) scopes.set(String(scope), demands)
    return demands
  }
  return (wanted) => {
    if (wanted === undefined) return base
    refuseUnknownNames('option', wanted, WANTED_NAMES)
    let demands = 'scope' in wanted ? withScope(wanted.scope) : base
    if ('audience' in wanted) demands = { ...demands, audience: readDemandedAudiences(wanted.audience) }
    if ('dpop' in wanted) demands = { ...demands, dpop: readDpop(wanted.dpop) }
    if ('attestation' in wanted)
      demands = { ...demands, attestation: readAttestation(wanted.attestation, isAnyOperator) }
    return demands
  }
}

/** Reads a demanded scope. Throws TypeError unless it is one or more scope-tokens. */
export function readScope(scope: unknown): readonly string[] {
  const parsed = typeof scope === 'string' && scope !== '' ? parseScopeString(scope) : undefined
  if (parsed !== undefined) return parsed
  throw new TypeError(`scope must be scope-tokens with spaces between, not ${JSON.stringify(scope)}`)
}

function readDpop(dpop: unknown): PresentedProof | 'required' {
  if (dpop === 'required' || isPresentedProof(dpop)) return dpop
  throw new TypeError("dpop must be { proof, method, url } with strings, or 'required'")
}

/** Accepts every kind of `proof`, because it comes from the client: the check of the proof refuses it. */
function isPresentedProof(value: unknown): value is PresentedProof {
  if (typeof value !== 'object' || value === null) return false
  refuseUnknownNames('option of dpop', value, PROOF_NAMES)
  if (!('proof' in value) || !('url' in value)) return false
  const { method, url }: { method?: unknown; url?: unknown } = value
  return typeof method === 'string' && (url === undefined || typeof url === 'string')
}
