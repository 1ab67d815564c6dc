import { describe, expect, it } from 'vitest'
import { COSE_NUMBERS, type CoseChanges, encodeCbor, signCose } from '../../../../test/support/attestation/cose.ts'
import { makeTestKey, type TestKey } from '../../../../test/support/attestation/evidence-keys.ts'
import { EVIDENCE_ALGORITHMS, type EvidenceAlgorithm } from '../../../platform/jwt/algorithms.ts'
import { readPinnedKeys } from '../../../platform/jwt/keys.ts'
import { RefusedEvidence } from '../attestor-type.ts'
import { verifySign1 } from './cose-sign1.ts'
import examples from './vectors/cose-examples.json' with { type: 'json' }

const KEYS = {
  ES256: makeTestKey('ES256'),
  EdDSA: makeTestKey('EdDSA'),
  Ed25519: makeTestKey('Ed25519'),
  ES384: makeTestKey('ES384'),
  ES512: makeTestKey('ES512'),
  PS256: makeTestKey('PS256'),
  PS384: makeTestKey('PS384'),
  PS512: makeTestKey('PS512'),
  RS256: makeTestKey('RS256'),
  RS384: makeTestKey('RS384'),
  RS512: makeTestKey('RS512'),
} satisfies Record<EvidenceAlgorithm, TestKey>
const PINNED = pin(Object.values(KEYS).map(({ jwk }) => jwk))
const KEY = KEYS.ES256
const PAYLOAD = encodeCbor(new Map([[6, 1_800_000_000]]))

const kidOf = ({ kid }: { readonly kid: string }) => Uint8Array.from(Buffer.from(kid))
const verify = (evidence: Uint8Array, algorithms = EVIDENCE_ALGORITHMS.slice()) =>
  verifySign1(evidence, PINNED, algorithms)

function pin(jwks: readonly object[]) {
  return readPinnedKeys({ keys: jwks }, { algorithms: EVIDENCE_ALGORITHMS })
}

/** Changes of the protected header besides the algorithm. */
function withHeader(...entries: readonly (readonly [unknown, unknown])[]): CoseChanges {
  return { header: new Map<unknown, unknown>([[1, COSE_NUMBERS.ES256], ...entries]) }
}

function withAlg(alg: unknown): CoseChanges {
  return { header: new Map([[1, alg]]) }
}

describe('verifySign1', () => {
  it.each(Object.values(KEYS))('returns the payload that $alg signs', (key) => {
    expect(verify(signCose(key, PAYLOAD))).toEqual(PAYLOAD)
  })

  it.each<[string, CoseChanges]>([
    ['in the tag of a CWT', { tags: [18, 61] }],
    ['with the kid in the protected header', { ...withHeader([4, kidOf(KEY)]), unprotected: new Map() }],
    ['with a protected header in any order', { header: Buffer.from('a203000126', 'hex') }],
    ['with the typ of an EAT', withHeader([16, 'application/eat+cwt'])],
    ['with the content format of an EAT as typ', withHeader([16, 263])],
    ['with a content type', withHeader([3, 61])],
  ])('accepts a message %s', (_name, changes) => {
    expect(verify(signCose(KEY, PAYLOAD, changes))).toEqual(PAYLOAD)
  })

  it.each([
    [-9, KEYS.ES256],
    [-51, KEYS.ES384],
    [-52, KEYS.ES512],
  ])('accepts the number %d, which also names the curve', (number, key) => {
    expect(verify(signCose(key, PAYLOAD, withAlg(number)))).toEqual(PAYLOAD)
  })

  it.each([1, 23, 24, 255, 256, 4_000])('verifies a payload of %d bytes', (length) => {
    const payload = new Uint8Array(length).fill(1)
    expect(verify(signCose(KEY, payload))).toEqual(payload)
  })

  it.each(examples.examples)('gives the expected answer to the example $name of the COSE working group', (example) => {
    const answer = () => verifySign1(Buffer.from(example.cbor, 'hex'), pin([example.key]), EVIDENCE_ALGORITHMS)
    if (example.refusal === undefined) expect(Buffer.from(answer()).toString()).toBe(examples.payload)
    else expect(answer).toThrow(example.refusal)
  })

  it.each<[string, CoseChanges, string]>([
    ['no tag', { tags: [] }, 'must have the tag 18 of a COSE_Sign1'],
    ['a COSE_Mac0', { tags: [17] }, 'must be signed: a COSE_Mac0 proves nothing to others'],
    ['a COSE_Mac0 in a CWT', { tags: [17, 61] }, 'must be signed: a COSE_Mac0 proves nothing to others'],
    ['a COSE_Sign', { tags: [98] }, 'must have one signature: COSE_Sign1, not COSE_Sign'],
    ['a COSE_Encrypt0', { tags: [16] }, 'must not have the CBOR tag 16 here'],
    ['an unknown tag', { tags: [18, 999] }, 'must not have the CBOR tag 999 here'],
    ['two tags of a CWT', { tags: [18, 61, 61] }, 'must have the tag 18 of a COSE_Sign1'],
    ['two tags of a COSE_Sign1', { tags: [18, 18] }, 'must be a COSE_Sign1 of four parts'],
    ['the tags in the wrong order', { tags: [61, 18] }, 'must be a COSE_Sign1 of four parts'],
    ['a fifth part', { more: [0] }, 'must be a COSE_Sign1 of four parts'],
    ['a detached payload', { payload: null }, 'must contain its payload'],
    ['a payload that is a text', { payload: 'payload' }, 'must be a COSE_Sign1 of header, header, payload and'],
    [
      'another payload',
      { payload: encodeCbor(new Map([[6, 1_800_000_001]])) },
      'must have a valid signature of its key',
    ],
    ['no signature', { signature: new Uint8Array() }, 'must have a valid signature of its key'],
    ['a signature of 64 zeros', { signature: new Uint8Array(64) }, 'must have a valid signature of its key'],
    ['no alg', { header: new Map() }, 'must have an asymmetric algorithm in its protected header'],
    ['no alg in an empty protected header', { header: new Uint8Array() }, 'must have an asymmetric algorithm in its'],
    [
      'alg only in the unprotected header',
      {
        header: new Uint8Array(),
        unprotected: new Map<unknown, unknown>([
          [1, -7],
          [4, kidOf(KEY)],
        ]),
      },
      'must have its algorithm in the protected header',
    ],
    [
      'alg in both headers',
      {
        unprotected: new Map<unknown, unknown>([
          [1, -7],
          [4, kidOf(KEY)],
        ]),
      },
      'must have its algorithm in the protected header',
    ],
    ['alg as a text', withAlg('ES256'), 'must have an asymmetric algorithm in its protected header'],
    ['HMAC', withAlg(5), 'must have an asymmetric algorithm in its protected header'],
    ['RS256 with SHA-1', withAlg(-65_535), 'must have an asymmetric algorithm in its protected header'],
    ['Ed448', withAlg(-53), 'must have an asymmetric algorithm in its protected header'],
    ['ES256K', withAlg(-47), 'must have an asymmetric algorithm in its protected header'],
    ['an unknown alg', withAlg(-999), 'must have an asymmetric algorithm in its protected header'],
    ['an alg of another key', withAlg(COSE_NUMBERS.ES384), 'must have the algorithm of its key: ES256'],
    ['crit with an unknown label', withHeader([2, [-70_000]]), 'must not have crit'],
    ['an empty crit', withHeader([2, []]), 'must not have crit'],
    ['crit in the unprotected header', { unprotected: new Map([[2, [1]]]) }, 'must have only kid in its unprotected'],
    ['a chain of certificates', withHeader([33, new Uint8Array(9)]), 'must have only alg, content type, kid and typ'],
    ['claims in the header', withHeader([15, new Map([[1, 'a']])]), 'must have only alg, content type, kid and typ'],
    ['a countersignature', { unprotected: new Map([[11, 1]]) }, 'must have only kid in its unprotected header'],
    ['a typ of another token', withHeader([16, 'application/kb+cwt']), 'must have the typ of an EAT or a CWT, or none'],
    ['no kid', { unprotected: new Map() }, 'must have a kid that is a byte string'],
    ['a kid that is a text', { unprotected: new Map([[4, KEY.kid]]) }, 'must have a kid that is a byte string'],
    ['an unknown kid', { unprotected: new Map([[4, new Uint8Array(3)]]) }, 'must have the kid of a trusted key'],
    ['two kids', withHeader([4, kidOf(KEY)]), 'must have only one kid'],
    [
      'the kid of another key of the same algorithm',
      { ...withAlg(COSE_NUMBERS.EdDSA), unprotected: new Map([[4, kidOf(KEYS.EdDSA)]]) },
      'must have a valid signature of its key',
    ],
    [
      'ES256 with a key of P-384',
      { unprotected: new Map([[4, kidOf(KEYS.ES384)]]) },
      'must have the algorithm of its key: ES384',
    ],
    [
      'a protected header that is a list',
      { header: Buffer.from('80', 'hex') },
      'must have a map as its protected header',
    ],
    [
      'a protected header with alg twice',
      { header: Buffer.from('a201260126', 'hex') },
      'must not have a map with duplicate keys',
    ],
    ['bytes after the protected header', { header: Buffer.from('a1012600', 'hex') }, 'must not have bytes after its'],
    ['a tag in the protected header', { header: Buffer.from('d2a10126', 'hex') }, 'must not have the CBOR tag 18 here'],
  ])('refuses %s', (_name, changes, why) => {
    const evidence = signCose(KEY, PAYLOAD, changes)
    expect(() => verify(evidence)).toThrow(RefusedEvidence)
    expect(() => verify(evidence)).toThrow(why)
  })

  it('refuses an algorithm that the operator does not allow', () => {
    expect(() => verify(signCose(KEY, PAYLOAD), ['EdDSA'])).toThrow('must have one of the algorithms EdDSA')
  })
})
