import { isUuid } from '@auth4agent/core/encoding/uuid'
import { readRecord } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { majorityOf, recordsOf } from '../../../platform/dns/judge-proof.ts'

/**
 * What a strict majority of all resolvers says about an issuer and a domain:
 *
 * - `proven`: there is exactly one record of this issuer. It names the operator and its root key.
 * - `not-found`: there is no record of this issuer.
 * - `malformed`: its only record names no operator or no root key.
 * - `contested`: it has two or more records.
 * - `unavailable`: no majority says the same.
 */
export type DomainProof =
  | { readonly kind: 'proven'; readonly operatorId: string; readonly thumbprint: string }
  | { readonly kind: 'not-found' | 'malformed' | 'contested' | 'unavailable' }

/** A thumbprint (RFC 7638): 32 bytes in base64url. */
const THUMBPRINT = /^[\w-]{43}$/

/** Reads who speaks for a domain at an issuer. A resolver that fails counts only in the total. */
export function readProof(answers: readonly TxtAnswer[], issuer: string): DomainProof {
  const views = new Map<string, DomainProof>()
  const agreed = majorityOf(answers, (answer) => {
    if (answer.kind === 'failed') return undefined
    const view = viewOf(answer, issuer)
    const text = JSON.stringify(view)
    views.set(text, view)
    return text
  })
  return views.get(agreed ?? '') ?? { kind: 'unavailable' }
}

function viewOf(answer: Exclude<TxtAnswer, { kind: 'failed' }>, issuer: string): DomainProof {
  const [text, ...others] = answer.kind === 'records' ? recordsOf(answer.records, issuer) : []
  if (text === undefined) return { kind: 'not-found' }
  if (others.length > 0) return { kind: 'contested' }
  const { operatorId = '', thumbprint = '' } = readRecord(text, issuer) ?? {}
  return isUuid(operatorId) && THUMBPRINT.test(thumbprint)
    ? { kind: 'proven', operatorId, thumbprint }
    : { kind: 'malformed' }
}
