import { createHash } from 'node:crypto'
import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import { describe, expect, it } from 'vitest'
import {
  AT,
  BE,
  BS,
  type ProofEdits,
  type SoftPasskey,
  softPasskey,
  UP,
  UV,
} from '../../../../test/support/passkeys.ts'
import { encodeBase64url } from '../encoding/base64.ts'
import { parseCompactJws } from '../jose/jws.ts'
import { MAX_PASSKEY_JWS_BYTES, PASSKEY_ALGORITHM, type PasskeyProof, writePasskeyProof } from './passkey-proof.ts'
import { verifyPasskey } from './verify-passkey.ts'

const ISSUER = 'https://auth.example/base'
const RULES = { maxBytes: MAX_PASSKEY_JWS_BYTES, algs: [PASSKEY_ALGORITHM, 'ES256', 'EdDSA'], typs: ['x+jwt'] }
const p256 = softPasskey(ISSUER)
const ed25519 = softPasskey(ISSUER, 'ed25519')

function problemOf(text: string, key: Pick<SoftPasskey, 'jwk' | 'webauthn'>, issuer = ISSUER): string | undefined {
  const jws = parseCompactJws(text, RULES)
  return jws.ok ? verifyPasskey(jws, key, issuer) : `${jws.part}: ${jws.why}`
}

function proven(edits: ProofEdits = {}, passkey = p256): string | undefined {
  return problemOf(passkey.signJws('x+jwt', { a: 1 }, edits), passkey)
}

const change = (edit: (proof: PasskeyProof) => Partial<PasskeyProof>): ProofEdits => ({
  change: (proof) => ({ ...proof, ...edit(proof) }),
})
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
const json = (text: string) => ({ clientBytes: new TextEncoder().encode(text) })
const TYPE = 'type in clientDataJSON must be webauthn.get'
const CHALLENGE = 'challenge in clientDataJSON must be the SHA-256 of header.payload, in base64url'
const ORIGIN = 'origin in clientDataJSON must be https://auth.example'
const CROSS = 'clientDataJSON must not be of a page inside a page of another origin'
const DATA = 'authenticatorData must have at least 37 bytes'
const RP_ID = 'authenticatorData must begin with the SHA-256 of auth.example'
const UP_FLAG = 'authenticatorData must have the flag UP: a person must have confirmed it'
const UV_FLAG = 'authenticatorData must have the flag UV: the authenticator must have recognised the person'
const FORM = 'signature must be DER of ECDSA with P-256, or 64 bytes of Ed25519'
const MATCH = 'The signature does not match the key'

const encode = (value: object) => encodeBase64url(Buffer.from(JSON.stringify(value)))
const field = (value: Buffer) => Buffer.concat([Buffer.alloc(32), value]).subarray(-32)

describe('verifyPasskey', () => {
  it.each<readonly [string, ProofEdits]>([
    ['as usual', {}],
    ['without crossOrigin, as older browsers send it', { client: { crossOrigin: undefined } }],
    ['with members of the client data that are not known', { client: { other_keys_can_be_added_here: 'x' } }],
    ['of a passkey that is synchronised', { flags: UP | UV | BE | BS }],
    ['with extensions of the authenticator', { flags: UP | UV | 0x80, more: Uint8Array.of(0xa0) }],
  ])('accepts a proof %s, of P-256 and of Ed25519', (_name, edits) => {
    expect([proven(edits), proven(edits, ed25519)]).toEqual([undefined, undefined])
  })

  it.each<readonly [string, ProofEdits, string]>([
    ['that was made to register', { client: { type: 'webauthn.create' } }, TYPE],
    ['of a payment', { client: { type: 'payment.get' } }, TYPE],
    ['without a type', { client: { type: undefined } }, TYPE],
    ['over another challenge', { client: { challenge: encodeBase64url(new Uint8Array(32)) } }, CHALLENGE],
    ['over the challenge in base64 with padding', paddedChallenge(), CHALLENGE],
    ['of another origin', { client: { origin: 'https://evil.example' } }, ORIGIN],
    ['of a sub-domain', { client: { origin: 'https://a.auth.example' } }, ORIGIN],
    ['of another port', { client: { origin: 'https://auth.example:8443' } }, ORIGIN],
    ['of http', { client: { origin: 'http://auth.example' } }, ORIGIN],
    ['of the issuer with its path', { client: { origin: ISSUER } }, ORIGIN],
    ['of an Android app', { client: { origin: 'android:apk-key-hash:AAAA' } }, ORIGIN],
    ['of a list of origins', { client: { origin: ['https://auth.example'] } }, ORIGIN],
    ['of a frame in a page of another origin', { client: { crossOrigin: true } }, CROSS],
    ['with crossOrigin as text', { client: { crossOrigin: 'false' } }, CROSS],
    ['with crossOrigin as null', { client: { crossOrigin: null } }, CROSS],
    ['with a top origin', { client: { topOrigin: 'https://auth.example' } }, CROSS],
    ['with client data that is a list', json('[]'), 'clientDataJSON must be a JSON object'],
    [
      'with client data twice the same member',
      json('{"type":"a","type":"webauthn.get"}'),
      'clientDataJSON must be a JSON object',
    ],
    [
      'with client data that is no UTF-8',
      { clientBytes: Uint8Array.of(0x7b, 0xff, 0x7d) },
      'clientDataJSON must be a JSON object',
    ],
    ['with authenticator data of 36 bytes', { length: 36 }, DATA],
    ['for another host', { rpId: 'evil.example' }, RP_ID],
    ['for the parent domain', { rpId: 'example' }, RP_ID],
    ['for the origin in place of the host', { rpId: 'https://auth.example' }, RP_ID],
    ['without a touch', { flags: UV }, UP_FLAG],
    ['without user verification', { flags: UP }, UV_FLAG],
    ['with no flags', { flags: 0 }, UP_FLAG],
    ['with the flag of attested data in place of UV', { flags: UP | AT }, UV_FLAG],
    [
      'that is backed up but could not be',
      { flags: UP | UV | BS },
      'authenticatorData must not have the flag BS without the flag BE',
    ],
    ['over other bytes', { signed: new Uint8Array(69) }, MATCH],
    [
      'whose client data changed later',
      change((p) => ({ clientDataJson: Buffer.concat([p.clientDataJson.subarray(0, -1), Buffer.from(',"a":1}')]) })),
      MATCH,
    ],
    ['whose counter changed later', change((p) => ({ authenticatorData: flip(p.authenticatorData, 36) })), MATCH],
    [
      'whose flags changed later',
      change((p) => ({
        authenticatorData: flip(p.authenticatorData, 32).map((b, at) => (at === 32 ? UP | UV | BE : b)),
      })),
      MATCH,
    ],
  ])('refuses a proof %s, of P-256 and of Ed25519', (_name, edits, said) => {
    expect([proven(edits), proven(edits, ed25519)]).toEqual([said, said])
  })

  it.each<readonly [string, SoftPasskey, ProofEdits, string]>([
    ['R || S in place of DER', p256, change(({ signature }) => ({ signature: rawOf(signature) })), FORM],
    [
      'DER with one byte more',
      p256,
      change(({ signature }) => ({ signature: Buffer.concat([signature, Buffer.of(0)]) })),
      FORM,
    ],
    ['DER with one byte less', p256, change(({ signature }) => ({ signature: signature.subarray(0, -1) })), FORM],
    ['63 bytes of Ed25519', ed25519, change(({ signature }) => ({ signature: signature.subarray(0, 63) })), FORM],
    ['another signature of Ed25519', ed25519, change(({ signature }) => ({ signature: flip(signature, 3) })), MATCH],
    [
      'another signature of P-256',
      p256,
      change(({ signature }) => ({ signature: flip(signature, signature.length - 1) })),
      MATCH,
    ],
  ])('refuses a signature that is %s', (_name, passkey, edits, said) => {
    expect(proven(edits, passkey)).toBe(said)
  })

  it('refuses the proof of another passkey', () => {
    const text = p256.signJws('x+jwt', { a: 1 })
    expect(problemOf(text, softPasskey(ISSUER))).toBe(MATCH)
    expect(problemOf(text, ed25519)).toBe(FORM)
  })

  it('refuses the proof of one JWS for another, with other claims, another type or another key', () => {
    const [header = '', payload = '', proof = ''] = p256.signJws('x+jwt', { a: 1 }).split('.')
    const headOf = (edits: object) => encode({ alg: PASSKEY_ALGORITHM, typ: 'x+jwt', kid: p256.kid, ...edits })
    expect(problemOf(`${header}.${payload}.${proof}`, p256)).toBeUndefined()
    expect(problemOf(`${header}.${encode({ a: 2 })}.${proof}`, p256)).toBe(CHALLENGE)
    expect(problemOf(`${headOf({ kid: 'other' })}.${payload}.${proof}`, p256)).toBe(CHALLENGE)
    expect(problemOf(`${headOf({ typ: 'y+jwt' })}.${payload}.${proof}`, p256)).toBe('header: typ')
  })

  it('refuses plain ES256 and EdDSA', () => {
    const text = p256.signJws('x+jwt', {})
    for (const alg of ['ES256', 'EdDSA']) {
      const header = encodeBase64url(Buffer.from(JSON.stringify({ alg, typ: 'x+jwt', kid: p256.kid })))
      const plain = `${header}.${text.split('.').slice(1).join('.')}`
      expect(problemOf(plain, p256)).toBe('A passkey signs only with the alg urn:auth4agent:alg:webauthn')
    }
  })

  it('refuses a passkey after the host of the issuer has changed', () => {
    expect(problemOf(p256.signJws('x+jwt', {}), p256, 'https://login.example')).toBe(
      'The passkey is bound to the host auth.example',
    )
  })

  it.each<readonly [string, (proof: string) => string]>([
    ['with a space', (text) => text.replace(':', ': ')],
    ['with a line feed at the end', (text) => `${text}\n`],
    ['with an escape', (text) => text.replace('signature', 'signatur\\u0065')],
    [
      'with its members in another order',
      (text) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).toReversed())),
    ],
    ['with one member more', (text) => text.replace(/\}$/, ',"userHandle":"AA"}')],
    ['with a member twice', (text) => text.replace('{', '{"signature":"AA",')],
    ['without a member', (text) => text.replace(/,"signature":"[^"]*"/, '')],
    ['with padding', (text) => text.replace(/"\}$/, '="}')],
    ['with a member as null', (text) => text.replace(/"signature":"[^"]*"/, '"signature":null')],
    ['with an empty member', (text) => text.replace(/"signature":"[^"]*"/, '"signature":""')],
    ['that is a list', () => '[]'],
    ['that is 64 bytes', () => 'x'.repeat(64)],
  ])('refuses a proof %s, so that one proof has one text', (_name, edit) => {
    const text = p256.signJws('x+jwt', { a: 1 })
    const [signingInput, proof] = [text.slice(0, text.lastIndexOf('.')), text.slice(text.lastIndexOf('.') + 1)]
    const edited = edit(Buffer.from(proof, 'base64url').toString())
    expect(problemOf(`${signingInput}.${encodeBase64url(Buffer.from(edited))}`, p256)).toBe(
      'The proof must be JSON with exactly authenticatorData, clientDataJSON and signature, each in canonical base64url',
    )
  })

  it('refuses a JWS of more than 4,096 bytes', () => {
    const padded = (size: number) => p256.prove('x', { client: { a: 'x'.repeat(size) } })
    const text = `e30.e30.${encodeBase64url(writePasskeyProof(padded(4_096)))}`
    expect(problemOf(text, p256)).toBe('text: size')
    expect(() => p256.signJws('x+jwt', {}, { client: { a: 'x'.repeat(4_096) } })).toThrow(
      new RangeError('A JWS of a passkey must have at most 4096 bytes'),
    )
  })

  it('never agrees with another library that refuses a proof', async () => {
    const cases: readonly ProofEdits[] = [
      {},
      { flags: UP | UV | BE | BS },
      { client: { type: 'webauthn.create' } },
      { client: { challenge: 'AAAA' } },
      { client: { origin: 'https://evil.example' } },
      { rpId: 'evil.example' },
      { flags: UV },
      { flags: UP },
      { signed: new Uint8Array(69) },
      change((p) => ({ authenticatorData: flip(p.authenticatorData, 36) })),
      { length: 36 },
    ]
    const verdicts = await Promise.all(cases.map(async (edits) => [proven(edits) === undefined, await byOther(edits)]))
    expect(verdicts).toEqual(cases.map((_edits, at) => [at < 2, at < 2]))
  })
})

function paddedChallenge(): ProofEdits {
  return change(({ clientDataJson }) => {
    const client = JSON.parse(Buffer.from(clientDataJson).toString())
    return { clientDataJson: Buffer.from(JSON.stringify({ ...client, challenge: `${client.challenge}=` })) }
  })
}

/** Returns R || S of DER that node:crypto made. */
function rawOf(der: Uint8Array): Uint8Array {
  const bytes = Buffer.from(der)
  const rLength = bytes[3] ?? 0
  const [r, s] = [bytes.subarray(4, 4 + rLength), bytes.subarray(6 + rLength)]
  return Buffer.concat([field(r), field(s)])
}

/** Returns whether @simplewebauthn/server accepts the proof. */
async function byOther(edits: ProofEdits): Promise<boolean> {
  const { authenticatorData, clientDataJson, signature } = p256.prove('text', edits)
  const response = {
    authenticatorData: encodeBase64url(authenticatorData),
    clientDataJSON: encodeBase64url(clientDataJson),
    signature: encodeBase64url(signature),
  }
  const id = p256.credentialId
  const verified = await verifyAuthenticationResponse({
    response: { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} },
    expectedChallenge: createHash('sha256').update('text').digest('base64url'),
    expectedOrigin: 'https://auth.example',
    expectedRPID: 'auth.example',
    credential: { id, publicKey: coseKey(), counter: 0 },
    requireUserVerification: true,
  }).catch(() => ({ verified: false }))
  return verified.verified
}

/** Returns the key as COSE (RFC 9053 section 7.1.1), which that library wants. */
function coseKey(): Uint8Array<ArrayBuffer> {
  if (p256.jwk.kty !== 'EC') throw new TypeError('The key must be of P-256')
  const [x, y] = [Buffer.from(p256.jwk.x, 'base64url'), Buffer.from(p256.jwk.y, 'base64url')]
  return Uint8Array.from([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32, ...x, 0x22, 0x58, 32, ...y])
}
