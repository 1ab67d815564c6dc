import { constants, type KeyObject, verify } from 'node:crypto'
import { ALG } from './constants.ts'
import { padCoordinate } from './public-area.ts'
import { FieldReader, readWhole } from './reader.ts'

/** A signature by a key in a TPM. */
export interface TpmSignature {
  readonly algorithm: number
  /** The bytes that the algorithm has made. For ECDSA r and s, 32 bytes each. */
  readonly bytes: Uint8Array
}

const MAX_RSA_BYTES = 512
const COORDINATE_BYTES = 32

/**
 * Reads a TPMT_SIGNATURE (Part 2 section 11.3.4): RSASSA, RSAPSS or ECDSA with SHA-256.
 *
 * @throws RefusedEvidence
 */
export function readSignature(bytes: Uint8Array): TpmSignature {
  return readWhole(new FieldReader(bytes, 'signature'), (reader) => {
    const algorithm = reader.u16()
    if (reader.u16() !== ALG.sha256) reader.refuse('must use SHA-256')
    if (algorithm === ALG.rsassa || algorithm === ALG.rsapss) return { algorithm, bytes: reader.sized(MAX_RSA_BYTES) }
    if (algorithm !== ALG.ecdsa) reader.refuse('must use RSASSA, RSAPSS or ECDSA')
    const [r, s] = [reader.sized(COORDINATE_BYTES), reader.sized(COORDINATE_BYTES)]
    return { algorithm, bytes: Buffer.concat([padCoordinate(r), padCoordinate(s)]) }
  })
}

/** Returns whether the key has signed the message. The caller has checked that the key is for that algorithm. */
export function verifySignature(key: KeyObject, { algorithm, bytes }: TpmSignature, message: Uint8Array): boolean {
  const padding = algorithm === ALG.rsapss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  const options = algorithm === ALG.ecdsa ? { key, dsaEncoding: 'ieee-p1363' as const } : { key, padding }
  return verify('sha256', message, options, bytes)
}
