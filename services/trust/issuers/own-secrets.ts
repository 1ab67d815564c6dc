import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { signAssertion } from '@auth4agent/core/identity/assertion'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import type { JwsSigner } from '@auth4agent/core/jose/signer-jwk'
import type pg from 'pg'
import type { KeyVault } from '../../keys/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { KnownIssuer } from './known-issuer.ts'

/**
 * Makes the Authorization header of one GET request at another deployment, as the operator that this deployment is
 * there. Each call signs an assertion of its own.
 */
export type Authorize = (issuer: KnownIssuer, url: string) => Promise<string>

/** What proves this deployment at foreign issuers. */
export interface OwnSecrets {
  readonly authorize: Authorize
  /** Returns the client secret of this deployment at an issuer, by the id of the issuer. */
  readonly secret: (issuerId: string) => Promise<string>
}

interface Row {
  readonly wrapped: Uint8Array | null
  readonly kekId: string | null
}

/** Opens secrets when they are first needed. A secret never changes. `now` returns Unix milliseconds. */
export function createOwnSecrets(pool: pg.Pool, vault: KeyVault, now: () => number): OwnSecrets {
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
    async authorize({ id, issuer, actsAs }, url) {
      const signer = signers.get(id) ?? toSigner(await secret(id))
      signers.set(id, signer)
      const rpc = `GET ${new URL(url).pathname}`
      const content = { party: actsAs, issuer, nowS: now() / 1_000, rpc, body: bodyDigest('') }
      return `Bearer ${await signAssertion(signer, content)}`
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
