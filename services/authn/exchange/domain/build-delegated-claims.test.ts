import { formatDelegatedClaims, parseDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import { parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import { formatDid } from '@auth4agent/core/identity/did'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../../test/support/reason-of.ts'
import { buildDelegatedClaims, checkDraft } from './build-delegated-claims.ts'

const ISSUER = 'https://auth.example'
const OPERATOR = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'
const domain = (length: number) =>
  `${'a'.repeat(60)}.`
    .repeat(4)
    .slice(0, length - 8)
    .concat('.example')

const lineage = (parties: number, length: number) =>
  Array.from({ length: parties }, (_, at) => ({
    did: formatDid(domain(length), String(at).padStart(32, '0')),
    operatorId: OPERATOR,
    epoch: [1, 1] as const,
    id: 'i'.repeat(43),
    kid: 'k'.repeat(43),
  }))

/** The arguments for a token of so many parties at so many audiences. */
function given(parties: number, audiences: number, length = 20) {
  const all = lineage(parties, length)
  const [principal] = all
  const client = all.at(-1)
  if (principal === undefined || client === undefined) throw new RangeError('A lineage has parties')
  const audience = Array.from({ length: audiences }, (_, at) => {
    const text = `https://shop.example/${at}`.padEnd(length === 20 ? 24 : 255, 'x')
    return { text, host: 'shop.example' }
  })
  const scope = length === 20 ? ['read'] : Array.from({ length: 32 }, (_, at) => String(at).padEnd(128, 'x'))
  const terms = { scope, audience, details: new Map() }
  const times = { nowS: 1_790_000_000, exp: 1_790_000_900 }
  const exchanged = {
    jti: 'j'.repeat(36),
    ...times,
    client,
    epoch: [7, 8] as const,
    edges: [] as string[],
    results: [],
  }
  return [ISSUER, { principal, lineageOf: () => all }, terms, { ...exchanged, jkt: 'A'.repeat(43) }] as const
}

describe('buildDelegatedClaims', () => {
  it.each([2, 9])('builds claims of %d parties that a verifier reads', (parties) => {
    const claims = buildDelegatedClaims(...given(parties, 1))
    const payload = parseStrictJsonText(JSON.stringify(formatDelegatedClaims(claims)))
    expect(payload.ok && parseDelegatedClaims(payload.value)).toEqual(claims)
  })

  it('names the edges with which the token ends', () => {
    const edges = [OPERATOR]
    const [iss, subject, terms, exchanged] = given(2, 1)
    const claims = buildDelegatedClaims(iss, subject, terms, { ...exchanged, edges })
    expect(claims).toMatchObject({ edges })
    const payload = parseStrictJsonText(JSON.stringify(formatDelegatedClaims(claims)))
    expect(payload.ok && parseDelegatedClaims(payload.value)).toEqual(claims)
  })
})

describe('checkDraft', () => {
  it('accepts nine parties with short names, and refuses a token that no verifier would accept', () => {
    expect(reasonOf(() => checkDraft(buildDelegatedClaims(...given(9, 8))))).toBeUndefined()
    expect(reasonOf(() => checkDraft(buildDelegatedClaims(...given(9, 8, 240))))).toBe('INVALID_ARGUMENT')
  })

  it('throws for claims of a form that every verifier refuses', () => {
    const claims = buildDelegatedClaims(...given(2, 1))
    const [principal] = claims.lineage
    for (const wrong of [
      { lineage: [] },
      { lineage: principal ? [principal] : [] },
      { jti: '' },
      { epoch: [9, 9] as const },
    ]) {
      expect(() => checkDraft({ ...claims, ...wrong })).toThrow('Verifiers would refuse')
    }
  })
})
