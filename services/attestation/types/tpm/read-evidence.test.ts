import { describe, expect, it } from 'vitest'
import { RefusedEvidence } from '../attestor-type.ts'
import { readEvidence, readKeys } from './read-evidence.ts'

const VALUE = 'a7'.repeat(32)
const KEYS = { ek_certificate: 'AQ==', ek_public: 'Ag==', ak_public: 'Aw==' }
const EVIDENCE = { ...KEYS, secret: 'BA==', quote: 'BQ==', signature: 'Bg==', pcrs: { sha256: { '7': VALUE } } }
const bytes = (json: unknown) => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
const sha256 = (values: unknown) => ({ ...EVIDENCE, pcrs: { sha256: values } })

describe('readEvidence', () => {
  it('reads every member', () => {
    expect(readKeys(bytes(KEYS))).toEqual({ chain: [Buffer.of(1)], ekPublic: Buffer.of(2), akPublic: Buffer.of(3) })
    expect(readEvidence(bytes({ ...EVIDENCE, ek_chain: ['BwA', 'CA=='], event_log: 'CQ==' }))).toEqual({
      chain: [Buffer.of(1), Buffer.of(7, 0), Buffer.of(8)],
      ekPublic: Buffer.of(2),
      akPublic: Buffer.of(3),
      secret: Buffer.of(4),
      quote: Buffer.of(5),
      signature: Buffer.of(6),
      pcrs: new Map([[7, VALUE]]),
      eventLog: Buffer.of(9),
    })
    expect(readEvidence(bytes(EVIDENCE)).eventLog).toBeUndefined()
  })

  it.each<[string, unknown, string]>([
    ['bytes that are no JSON', 'x', 'The evidence must be one strict JSON object, but: syntax'],
    ['a list', [], 'The evidence must be one strict JSON object, but: not-an-object'],
    [
      'a member twice',
      '{"quote":"BQ==","quote":"BQ=="}',
      'The evidence must be one strict JSON object, but: duplicate-member',
    ],
    ['an unknown member', { ...EVIDENCE, nonce: '' }, 'The evidence must not have a member "nonce"'],
    ['no quote', { ...EVIDENCE, quote: undefined }, 'quote must be bytes in base64'],
    ['an empty quote', { ...EVIDENCE, quote: '' }, 'quote must be bytes in base64'],
    ['a quote that is a number', { ...EVIDENCE, quote: 5 }, 'quote must be bytes in base64'],
    ['a quote that is no base64', { ...EVIDENCE, quote: 'B Q=' }, 'quote must be bytes in base64'],
    ['no certificate', { ...EVIDENCE, ek_certificate: undefined }, 'ek_certificate must be bytes in base64'],
    ['an empty event log', { ...EVIDENCE, event_log: '' }, 'event_log must be bytes in base64'],
    ['a chain that is a text', { ...EVIDENCE, ek_chain: 'BwA=' }, 'ek_chain must be a list of 1 to 4 certificates'],
    ['an empty chain', { ...EVIDENCE, ek_chain: [] }, 'ek_chain must be a list of 1 to 4 certificates'],
    ['a chain of five', { ...EVIDENCE, ek_chain: ['AQ', 'AQ', 'AQ', 'AQ', 'AQ'] }, 'ek_chain must be a list of 1 to 4'],
    ['a chain with a number', { ...EVIDENCE, ek_chain: ['AQ', 1] }, 'ek_chain must be a list of 1 to 4'],
    ['no PCRs', { ...EVIDENCE, pcrs: undefined }, 'pcrs must be an object with the member sha256'],
    ['another bank', { ...EVIDENCE, pcrs: { sha256: {}, sha1: {} } }, 'pcrs must not have a member "sha1"'],
    ['a list of PCRs', sha256([VALUE]), 'pcrs must be an object with the member sha256'],
    ['PCR 24', sha256({ '24': VALUE }), 'pcrs must have members from 0 to 23'],
    ['PCR 00', sha256({ '00': VALUE }), 'pcrs must have members from 0 to 23'],
    ['a value in upper case', sha256({ '7': VALUE.toUpperCase() }), 'with values of 64 lower-case hex digits'],
    ['a value that is too short', sha256({ '7': 'a7' }), 'with values of 64 lower-case hex digits'],
    ['a value that is a number', sha256({ '7': 7 }), 'with values of 64 lower-case hex digits'],
  ])('refuses %s', (_name, json, message) => {
    expect(() => readEvidence(bytes(json))).toThrow(message)
    expect(() => readEvidence(bytes(json))).toThrow(RefusedEvidence)
  })

  it('refuses members of evidence in the input of a challenge', () => {
    expect(() => readKeys(bytes(EVIDENCE))).toThrow('The evidence must not have a member "secret"')
  })
})
