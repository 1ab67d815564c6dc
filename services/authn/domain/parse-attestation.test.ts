import { expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { parseAttestation } from './parse-attestation.ts'

const EVIDENCE = { attestor: 'boot', evidence: '+/8=', signature: '-_8' }
const GOOD = { nonce: 'n', evidence: [EVIDENCE] }
const one = (edits: object) => JSON.stringify({ ...GOOD, evidence: [{ ...EVIDENCE, ...edits }] })

it('parseAttestation reads bytes in the forms of base64 that REST reads', () => {
  const bytes = Uint8Array.of(251, 255)
  const expected = { nonce: 'n', rule: '', evidence: [{ attestor: 'boot', evidence: bytes, signature: bytes }] }
  expect(parseAttestation(JSON.stringify(GOOD))).toMatchObject(expected)
  expect(parseAttestation(JSON.stringify({ ...GOOD, rule: 'r' }))).toMatchObject({ ...expected, rule: 'r' })
})

it('parseAttestation returns undefined for an absent parameter', () => {
  expect(parseAttestation('')).toBeUndefined()
})

it.each<[name: string, text: string]>([
  ['no JSON', 'x'],
  ['an array', '[]'],
  ['a member twice', '{"nonce":"n","nonce":"n","evidence":[]}'],
  ['deep nesting', `{"nonce":${'['.repeat(20)}${']'.repeat(20)}}`],
  ['an unknown member', JSON.stringify({ ...GOOD, did: 'x' })],
  ['a member of a prototype', JSON.stringify({ ...GOOD, constructor: 'x' })],
  ['no nonce', JSON.stringify({ evidence: [EVIDENCE] })],
  ['a nonce that is no text', JSON.stringify({ ...GOOD, nonce: 1 })],
  ['a rule that is no text', JSON.stringify({ ...GOOD, rule: null })],
  ['no evidence', JSON.stringify({ nonce: 'n' })],
  ['an empty list of evidence', JSON.stringify({ ...GOOD, evidence: [] })],
  ['evidence of five attestors', JSON.stringify({ ...GOOD, evidence: Array.from({ length: 5 }, () => EVIDENCE) })],
  ['evidence that is no object', JSON.stringify({ ...GOOD, evidence: ['x'] })],
  ['an unknown member of evidence', one({ type: 'tpm' })],
  ['an attestor that is no text', one({ attestor: 1 })],
  ['evidence that is no text', one({ evidence: [1] })],
  ['evidence that is no base64', one({ evidence: '!' })],
  ['evidence with a line end', one({ evidence: '+/8=\n' })],
  ['evidence with trailing bits', one({ evidence: '+/9=' })],
  ['no signature', one({ signature: undefined })],
])('parseAttestation refuses %s', (_, text) => {
  expect(reasonOf(() => parseAttestation(text))).toBe('INVALID_ARGUMENT')
})
