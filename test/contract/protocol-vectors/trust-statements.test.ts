import { createHash, createPublicKey, verify } from 'node:crypto'
import { mapScopes } from '@auth4agent/core/trust/scope-map'
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { edgeId } from '../../../services/trust/statements/domain/edge-id.ts'
import { subjectId } from '../../../services/trust/statements/domain/subject-id.ts'
import { verifyTrustStatement } from '../../../services/trust/statements/domain/verify-statement.ts'
import { isRefused, type Refused, readVectors, type Vector } from '../support/read-vectors.ts'

interface Accepted {
  readonly edge_id: string
  readonly subject_id: string
  readonly thumbprint: string
  readonly means: string
}

const file = readVectors('trust-statements.json') as {
  accepted: Vector<{ statement: string }, Accepted>[]
  refused: Vector<{ statement: string }, Refused>[]
  scopes: Vector<{ grant: { scopes: Record<string, string[]> }; scopes: string[] }, string[] | Refused>[]
}

describe('trust-statements.json', () => {
  it.each(file.accepted)('the statement is accepted: $name', ({ statement, expect: expected }) => {
    const verified = verifyTrustStatement(statement)
    if (!verified.ok) throw new TypeError(verified.text)
    expect(edgeId(verified.statement)).toBe(expected.edge_id)
    expect(subjectId(verified.statement)).toBe(expected.subject_id)
    expect(verified.thumbprint).toBe(expected.thumbprint)
  })

  it.each(file.accepted)('jose and node:crypto agree about it: $name', async ({ statement, expect: expected }) => {
    const { jwk, kid } = decodeProtectedHeader(statement)
    const { home, iss, jti } = decodeJwt<{ home: string }>(statement)
    const at = statement.lastIndexOf('.')
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const signature = Buffer.from(statement.slice(at + 1), 'base64url')
    expect(verify(null, Buffer.from(statement.slice(0, at)), key, signature)).toBe(true)
    expect(jwk && (await calculateJwkThumbprint(jwk))).toBe(expected.thumbprint)
    expect(kid).toBe(expected.thumbprint)
    const hash = createHash('sha256').update(`["${home}","${iss}","${jti}"]`).digest('hex')
    // All digits are from the hash, except the version and the two bits of the variant (RFC 9562 section 5.8).
    const digits = expected.edge_id.replaceAll('-', '')
    expect(digits.slice(0, 12) + digits.slice(13, 16) + digits.slice(17)).toBe(
      hash.slice(0, 12) + hash.slice(13, 16) + hash.slice(17, 32),
    )
  })

  it.each(file.refused)('the statement is refused: $name', ({ statement, expect: expected }) => {
    expect(verifyTrustStatement(statement)).toMatchObject({ ok: false, rule: expected.refused })
  })

  it.each(file.scopes)('scopes go through a grant: $name', ({ grant, scopes, expect: expected }) => {
    expect(mapScopes(grant, scopes)).toEqual(isRefused(expected) ? undefined : expected)
  })
})
