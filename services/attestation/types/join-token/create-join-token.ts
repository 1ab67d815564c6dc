import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { decodeUtf8 } from '@auth4agent/core/encoding/utf8'
import type { PrismaClient } from '../../../../gen/prisma/client.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { type AttestorType, RefusedEvidence } from '../attestor-type.ts'

/** Bytes of the secret of a join token. */
export const SECRET_BYTES = 32

/** Returns the digest under which the server stores the secret of a join token. */
export function digestOfSecret(secret: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(sha256Text(secret, 'hex'), 'hex'))
}

/**
 * Creates the type `join-token`. The evidence is the secret as base64url. The same words answer an unknown, an expired
 * and a used secret, so a stranger learns nothing about secrets.
 */
export function createJoinToken(prisma: Pick<PrismaClient, 'joinToken'>): AttestorType<undefined> {
  return {
    parseConfig(config: JsonObject) {
      if (Object.keys(config).length === 0) return undefined
      throw new ApiError('INVALID_ATTESTOR', 'config must be empty for the type join-token')
    },
    async appraise(_config, evidence, { attestorId, now }) {
      const secret = decodeBase64url(decodeUtf8(evidence) ?? '')
      if (secret?.length !== SECRET_BYTES) {
        throw new RefusedEvidence('A join token must be base64url of 32 bytes, as the server showed it')
      }
      const row = await prisma.joinToken.findUnique({ where: { digest: digestOfSecret(secret) } })
      if (row === null || row.attestorId !== attestorId || row.usedBy !== null || row.expiresAt.getTime() <= now) {
        throw new RefusedEvidence('The join token must be one of this attestor that has not expired and was not used')
      }
      return {
        claims: { label: row.label, token_id: row.id },
        level: 'bearer',
        uses: [{ id: row.id, until: row.expiresAt.getTime() }],
      }
    },
  }
}
