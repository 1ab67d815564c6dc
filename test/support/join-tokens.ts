import { randomBytes } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { attestationMessage } from '@auth4agent/core/identity/attestation'
import { type KeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { digestOfSecret } from '../../services/attestation/types/join-token/create-join-token.ts'
import type { Db } from '../../services/platform/db/db.ts'

/** Inserts a join token, and returns its secret as evidence. */
export async function insertJoinToken({ prisma }: Db, attestorId: string, label: string, expiresAt: Date) {
  const secret = randomBytes(32)
  const id = uuidv7(Date.now(), randomBytes(10))
  await prisma.joinToken.create({ data: { id, attestorId, digest: digestOfSecret(secret), label, expiresAt } })
  return { id, evidence: Uint8Array.from(Buffer.from(secret.toString('base64url'))) }
}

/** Signs evidence with a nonce, as an agent does. */
export function signEvidence(
  { privateKey }: KeyPair,
  nonce: string,
  attestor: string,
  evidence: Uint8Array<ArrayBuffer>,
) {
  return { attestor, evidence, signature: Uint8Array.from(sign(privateKey, attestationMessage(evidence, nonce))) }
}
