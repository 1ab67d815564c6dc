import { describe, expect, it } from 'vitest'
import { type AttestationDemand, isAttestation, meetsAttestation, type TokenAttestation } from './attestation.ts'

const IAT = 1_800_000_000
const RESULT: TokenAttestation = { attestor: 'boot', type: 'tpm', level: 'bound', at: IAT - 60 }
const changed = (edits: object) => [{ ...RESULT, ...edits }]

describe('isAttestation', () => {
  it.each<[string, unknown]>([
    ['one result', [RESULT]],
    ['eight results', Array.from({ length: 8 }, () => RESULT)],
    ['a result of the second of issue', changed({ at: IAT })],
    ['names of 64 characters', changed({ attestor: 'a'.repeat(64), type: 'b-_9'.repeat(16) })],
  ])('accepts %s', (_, value) => {
    expect(isAttestation(value, IAT)).toBe(true)
  })

  it.each<[string, unknown]>([
    ['no list', RESULT],
    ['null', null],
    ['an empty list', []],
    ['nine results', Array.from({ length: 9 }, () => RESULT)],
    ['a result that is a list', [[]]],
    ['a further member', changed({ note: 1 })],
    ['a member that is missing', [{ attestor: 'boot', type: 'tpm', level: 'bound' }]],
    ['a member in place of another', [{ attestor: 'boot', type: 'tpm', level: 'bound', time: 1 }]],
    ['an empty name', changed({ attestor: '' })],
    ['a name of 65 characters', changed({ attestor: 'a'.repeat(65) })],
    ['a name with a line end', changed({ attestor: 'boot\n' })],
    ['a type that is no text', changed({ type: 1 })],
    ['a type with a space', changed({ type: 'a b' })],
    ['an unknown level', changed({ level: 'quantum' })],
    ['a level of a prototype', changed({ level: 'constructor' })],
    ['a level in another case', changed({ level: 'Bound' })],
    ['a result after the token was issued', changed({ at: IAT + 1 })],
    ['a time of 0', changed({ at: 0 })],
    ['a time with a fraction', changed({ at: IAT - 0.5 })],
    ['a time that is a text', changed({ at: String(IAT) })],
  ])('refuses %s', (_, value) => {
    expect(isAttestation(value, IAT)).toBe(false)
  })
})

describe('meetsAttestation', () => {
  const ANY: AttestationDemand = { types: [], attestors: [], level: 'bearer', maxAgeS: undefined }
  const meets = (demand: Partial<AttestationDemand>, attestation: readonly TokenAttestation[] = [RESULT]) =>
    meetsAttestation({ attestation }, { ...ANY, ...demand }, IAT)

  it.each<[string, boolean, Partial<AttestationDemand>]>([
    ['a result of any kind', true, {}],
    ['its type', true, { types: ['x509', 'tpm'] }],
    ['another type', false, { types: ['x509'] }],
    ['the beginning of its type', false, { types: ['tp'] }],
    ['its attestor', true, { attestors: ['boot'] }],
    ['another attestor', false, { attestors: ['Boot'] }],
    ['a weaker level', true, { level: 'bearer' }],
    ['its level', true, { level: 'bound' }],
    ['a stronger level', false, { level: 'hardware' }],
    ['its age', true, { maxAgeS: 60 }],
    ['a younger age', false, { maxAgeS: 59 }],
  ])('decides about a demand on %s: %s', (_, expected, demand) => {
    expect(meets(demand)).toBe(expected)
  })

  it('does not meet a demand by parts of two results', () => {
    const other: TokenAttestation = { ...RESULT, type: 'oidc', level: 'hardware' }
    expect(meets({ types: ['tpm'], level: 'hardware' }, [RESULT, other])).toBe(false)
    expect(meets({ types: ['oidc'], level: 'hardware' }, [RESULT, other])).toBe(true)
  })

  it('meets no demand without results', () => {
    expect(meets({}, [])).toBe(false)
    expect(meetsAttestation({}, ANY, IAT)).toBe(false)
  })
})
