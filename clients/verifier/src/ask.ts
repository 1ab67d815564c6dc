import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AttestationDemand } from '@auth4agent/core/token/attestation'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { toProofMembers } from './bound-tokens.ts'
import type { ChainDemands } from './chain-wanted.ts'
import { isVerdict, type VerificationReason } from './errors.ts'
import { type Fetch, fetchJson } from './http.ts'
import type { Demands } from './wanted.ts'

/** A question to the issuer. */
export interface Question {
  readonly body: Readonly<Record<string, unknown>>
  /** Returns whether the members of an answer are about this question. A cache may return another answer. */
  readonly isAbout: (answer: JsonObject) => boolean
}

/**
 * Asks the issuer about a token or a chain of grants. Resolves with the reason why it is not valid, or undefined if it
 * is valid. Rejects if the issuer does not answer.
 */
export type Ask = (question: Question) => Promise<VerificationReason | undefined>

const MAX_BYTES = 65_536

/** Makes a function that asks `POST /v1/verify` each time. It keeps no answer. */
export function createAsk(fetch: Fetch, locate: () => Promise<string>): Ask {
  return async ({ body, isAbout }) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const { json } = await fetchJson(fetch, await locate(), MAX_BYTES, init)
    const { valid, reason } = json
    if (valid === true && isAbout(json)) return undefined
    if (valid === false && isVerdict(reason)) return reason
    throw new TypeError('The answer of the issuer must be a verdict about this token')
  }
}

/** What the issuer is asked about: the demands, and the operators that are trusted. */
type Asked<D extends Demands> = D & Pick<Requirements, 'operators'>

/** Makes the question whether a token is valid and meets the demands. */
export function askAboutToken(token: string, { jti, sub }: AccessTokenClaims, wanted: Asked<Demands>): Question {
  return {
    body: { token, ...toMembers(wanted) },
    isAbout: ({ claims }) => isJsonObject(claims) && claims['jti'] === jti && claims['sub'] === sub,
  }
}

/** Makes the question whether a chain of grants or a delegated token is valid and allows a call with arguments. */
export function askAboutAuthority(
  token: string,
  { agents, claims: own }: DelegatedAuthority,
  wanted: Asked<ChainDemands>,
  args: JsonObject | undefined,
): Question {
  const { actors } = wanted
  const ids = agents.map(({ id }) => id).join(' ')
  return {
    body: {
      token,
      ...toMembers(wanted),
      delegation: 'accept',
      ...(args !== undefined && { arguments: args }),
      ...(actors.length > 0 && { actors }),
    },
    isAbout: ({ delegation, claims }) =>
      isJsonObject(delegation) &&
      grantIds(delegation['hops']) === ids &&
      (own === undefined || (isJsonObject(claims) && claims['jti'] === own.jti)),
  }
}

function toMembers({ audience, scope, operators, dpop, attestation }: Asked<Demands>): Question['body'] {
  return {
    audience,
    ...(scope.length > 0 && { scope: scope.join(' ') }),
    ...(operators.length > 0 && { operators }),
    ...(typeof dpop === 'object' && toProofMembers(dpop)),
    ...(attestation !== undefined && { attestation: toRequired(attestation) }),
  }
}

/** The issuer refuses an empty list, and with 0 it does not compare the age. */
function toRequired({ types, attestors, level, maxAgeS }: AttestationDemand) {
  return {
    ...(types.length > 0 && { types }),
    ...(attestors.length > 0 && { attestors }),
    level,
    ...(maxAgeS !== undefined && { max_age: Math.max(1, Math.floor(maxAgeS)) }),
  }
}

function grantIds(hops: unknown): string | undefined {
  if (!Array.isArray(hops)) return undefined
  return hops.map((hop: unknown) => (isJsonObject(hop) ? String(hop['grant_id']) : '')).join(' ')
}
