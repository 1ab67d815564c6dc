import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { JwsSigner } from '@auth4agent/core/jose/signer-jwk'
import type pg from 'pg'
import type { KeyVault } from '../../keys/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The secrets of this deployment at foreign issuers, by the id of the issuer. */
export interface OwnSecrets {
  /** The private key of the operator that this deployment is at the issuer. */
  signer(issuerId: string): Promise<JwsSigner>
  /** The client secret of this deployment at the issuer. */
  secret(issuerId: string): Promise<string>
}

interface Row {
  readonly wrapped: Uint8Array | null
  readonly kekId: string | null
}

/** Opens secrets when they are first needed. A secret never changes. */
export function createOwnSecrets(pool: pg.Pool, vault: KeyVault): OwnSecrets {
  const signers = new Map<string, JwsSigner>()
  const secret = async (issuerId: string): Promise<string> => {
    const { rows } = await pool.query<Row>(
      'SELECT wrapped_secret AS wrapped, kek_id AS "kekId" FROM issuers WHERE id = $1::uuid',
      [issuerId],
    )
    const [row] = rows
    if (row === undefined || row.wrapped === null) throw new ApiError('INTERNAL', 'The issuer has no secret')
    return vault.open(row.wrapped, row.kekId, { purpose: 'issuer', id: issuerId }).toString()
  }
  return {
    secret,
    async signer(issuerId) {
      const known = signers.get(issuerId)
      if (known !== undefined) return known
      const signer = toSigner(await secret(issuerId))
      signers.set(issuerId, signer)
      return signer
    },
  }
}

/** Makes a signer from a private JWK in JSON, Ed25519 or P-256. */
function toSigner(text: string): JwsSigner {
  const privateKey = createPrivateKey({ key: JSON.parse(text), format: 'jwk' })
  const { kty, x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const [first, second] = [decodeBase64url(x) ?? Buffer.alloc(0), decodeBase64url(y) ?? Buffer.alloc(0)]
  if (kty === 'OKP') return { publicKey: first, sign: async (message) => sign(null, message, privateKey) }
  return {
    alg: 'ES256',
    publicKey: Buffer.concat([Buffer.of(4), first, second]),
    sign: async (message) => sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  }
}
