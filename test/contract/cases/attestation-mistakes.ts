import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import { importHmacKey } from '../../../services/platform/crypto/hmac.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { AttestationEdits } from '../support/seed-attestation.ts'
import type { World } from '../support/world.ts'

type Edits = (world: World, pair: KeyPair) => AttestationEdits
type Purpose = 'enrol' | 'attest' | 'token'

/** Builds the case of one call whose attestation has these edits. `more` are other members of the case. */
export type Build = (name: string, reason: ReasonCode, edits?: Edits, more?: Partial<RefusalCase>) => RefusalCase

const other = generateKeyPair()

/** Nonces that the server does not accept for a key and a purpose. */
const NONCES: Readonly<Record<string, (world: World, pair: KeyPair, purpose: Purpose) => string>> = {
  'no nonce': () => '',
  'a nonce of zeros': () => 'A'.repeat(43),
  'a padded nonce': ({ attestation }, pair, purpose) => `${attestation.nonce(pair, { purpose })}=`,
  'the nonce of another key': ({ attestation }, _, purpose) => attestation.nonce(other, { purpose }),
  'a nonce for another call': ({ attestation }, pair, purpose) =>
    attestation.nonce(pair, { purpose: purpose === 'enrol' ? 'attest' : 'enrol' }),
  'a nonce for a third call': ({ attestation }, pair, purpose) =>
    attestation.nonce(pair, { purpose: purpose === 'token' ? 'attest' : 'token' }),
  'a nonce for another operator': ({ attestation, operators }, pair, purpose) =>
    attestation.nonce(pair, { purpose, operatorId: operators.bravo.id }),
  'an expired nonce': ({ attestation }, pair, purpose) =>
    attestation.nonce(pair, { purpose, expiresAt: Date.now() - 1 }),
  'a nonce of another server': ({ attestation }, pair, purpose) =>
    attestation.nonce(pair, { purpose, key: importHmacKey(new Uint8Array(32)) }),
}

const MISTAKES: readonly (readonly [name: string, reason: ReasonCode, edits: Edits])[] = [
  ['the signature of another key', 'INVALID_SIGNATURE', () => ({ signer: other })],
  ['a signature with another nonce', 'INVALID_SIGNATURE', () => ({ signedNonce: 'A'.repeat(43) })],
  ['an unknown attestor', 'ATTESTOR_NOT_FOUND', () => ({ attestors: ['nobody'] })],
  ['an attestor with the name of a prototype', 'ATTESTOR_NOT_FOUND', () => ({ attestors: ['__proto__'] })],
  ['a known attestor and an unknown one', 'ATTESTOR_NOT_FOUND', () => ({ attestors: ['tokens', 'nobody'] })],
  ['empty evidence', 'EVIDENCE_REFUSED', () => ({ evidence: new Uint8Array() })],
  ['evidence of one byte more than 32 KiB', 'EVIDENCE_REFUSED', () => ({ evidence: new Uint8Array(32 * 1024 + 1) })],
  ['an unknown join token', 'EVIDENCE_REFUSED', () => ({ evidence: Buffer.from('A'.repeat(43)) })],
  ['an expired join token', 'EVIDENCE_REFUSED', ({ attestation }) => ({ evidence: attestation.tokens.expired })],
  ['a used join token', 'EVIDENCE_REFUSED', ({ attestation }) => ({ evidence: attestation.tokens.used })],
  [
    'a join token of another attestor',
    'EVIDENCE_REFUSED',
    ({ attestation }) => ({ evidence: attestation.others.good }),
  ],
  ['no evidence', 'INVALID_ARGUMENT', () => ({ attestors: [] })],
  ['five pieces of evidence', 'INVALID_ARGUMENT', () => ({ attestors: ['a', 'b', 'c', 'd', 'e'] })],
  ['one attestor twice', 'INVALID_ARGUMENT', () => ({ attestors: ['tokens', 'tokens'] })],
]

/** Returns cases about mistakes in an attestation, for a call with this purpose. */
export function mistakes(build: Build, purpose: Purpose, pairOf: (world: World) => KeyPair): RefusalCase[] {
  return [
    ...Object.entries(NONCES).map(([name, nonceOf]) =>
      build(name, 'NONCE_NOT_ACCEPTED', (world, pair) => ({ nonce: nonceOf(world, pair, purpose) })),
    ),
    ...MISTAKES.map(([name, reason, edits]) => build(name, reason, edits)),
    usedNonce(build, purpose, pairOf),
  ]
}

/** Returns a case about a nonce that an earlier call has used up. */
function usedNonce(build: Build, purpose: Purpose, pairOf: (world: World) => KeyPair): RefusalCase {
  let nonce = ''
  const made = build('a nonce that was used', 'EVIDENCE_USED', () => ({ nonce }))
  return {
    ...made,
    request: async (world) => {
      nonce = world.attestation.nonce(pairOf(world), { purpose })
      const id = Uint8Array.from(Buffer.from(sha256Text(`nonce ${nonce}`, 'hex'), 'hex'))
      await world.db.prisma.attestationUse.create({ data: { id, keepUntil: new Date(Date.now() + 600_000) } })
      return made.request(world)
    },
  }
}
