import {
  type DelegatedClaims,
  formatDelegatedClaims,
  parseDelegatedClaims,
} from '@auth4agent/core/delegation/delegated-claims'
import { parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import type { TokenAttestation } from '@auth4agent/core/token/attestation'
import { attestationClaim } from '../../domain/attestation-claim.ts'
import { checkTokenSize } from '../../domain/check-token-size.ts'
import type { ExchangeSubject } from '../open-subject.ts'
import type { ExchangeTerms } from './decide-exchange.ts'

/** What the redemption adds to the terms of an exchange. */
export interface Exchanged {
  readonly jti: string
  /** Unix seconds. */
  readonly nowS: number
  readonly exp: number
  readonly client: { readonly did: string; readonly operatorId: string }
  readonly epoch: readonly [agent: number, operator: number]
  /** The edges with which the token ends. */
  readonly edges: readonly string[]
  /** Thumbprint of the client's key. */
  readonly jkt: string
  /** Results of attestation of the client. */
  readonly results: readonly TokenAttestation[]
}

/** Builds the claims of a delegated token (RFC 8693 section 4.1). */
export function buildDelegatedClaims(
  iss: string,
  { principal, lineageOf }: Pick<ExchangeSubject, 'principal' | 'lineageOf'>,
  { scope, audience, details }: ExchangeTerms,
  { jti, nowS, exp, client, epoch, edges, jkt, results }: Exchanged,
): DelegatedClaims {
  return {
    iss,
    sub: principal.did,
    aud: audience.map(({ text }) => text),
    scope: scope.join(' '),
    operator_id: principal.operatorId,
    iat: nowS,
    nbf: nowS,
    exp,
    jti,
    client_id: client.did,
    epoch: principal.epoch,
    cnf: { jkt },
    ...(edges.length > 0 && { edges }),
    ...attestationClaim(results, nowS),
    lineage: lineageOf({ ...client, epoch }),
    details,
  }
}

/**
 * Checks that verifiers will accept a token with these claims, in which the client has LONGEST_EPOCHS.
 *
 * @throws ApiError INVALID_ARGUMENT if the token would be too long
 * @throws Error if the claims have a form that verifiers refuse
 */
export function checkDraft(claims: DelegatedClaims): void {
  const payload = JSON.stringify(formatDelegatedClaims(claims))
  checkTokenSize(payload)
  const read = parseStrictJsonText(payload)
  if (!read.ok || parseDelegatedClaims(read.value) === undefined) {
    throw new Error(`Verifiers would refuse the claims of the token ${claims.jti}`)
  }
}
