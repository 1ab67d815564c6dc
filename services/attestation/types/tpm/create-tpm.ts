import { timingSafeEqual } from 'node:crypto'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { type HmacKey, hmacSha256 } from '../../../platform/crypto/hmac.ts'
import {
  type Appraisal,
  type AppraisalContext,
  type AttestorType,
  type Binding,
  type VerifiedClaims,
} from '../attestor-type.ts'
import { checkAttestationKey, checkEndorsementKey } from './check-keys.ts'
import { checkQuote, type QuotedState, type TpmKeys } from './check-quote.ts'
import { demand } from './demand.ts'
import { makeCredential } from './make-credential.ts'
import { readEvidence, readKeys, type SentKeys } from './read-evidence.ts'
import { readTpmConfig, type TpmConfig } from './read-tpm-config.ts'

/** What the type `tpm` needs. */
export interface TpmDeps {
  /** The key from which the secrets of challenges are made. All instances of a deployment have the same. */
  readonly challengeKey: HmacKey
}

/**
 * Creates the type `tpm`: quotes of a TPM 2.0 over the nonce. An activated credential proves that the key that signs
 * them is in the TPM whose endorsement key a configured authority has certified.
 */
export function createTpm({ challengeKey }: TpmDeps): AttestorType<TpmConfig> {
  return {
    parseConfig: readTpmConfig,
    async challenge(config, input, context) {
      const keys = checkKeys(config, readKeys(input), context)
      const secret = secretOf(challengeKey, keys, context.binding)
      const { credentialBlob, encryptedSeed } = makeCredential(keys.ek.area.key, keys.ak.name, secret)
      const answer = { credential_blob: encodeBase64(credentialBlob), secret: encodeBase64(encryptedSeed) }
      return encodeUtf8(JSON.stringify(answer))
    },
    async appraise(config, bytes, context) {
      const evidence = readEvidence(bytes)
      const keys = checkKeys(config, evidence, context)
      const secret = secretOf(challengeKey, keys, context.binding)
      const isSame = evidence.secret.length === secret.length && timingSafeEqual(evidence.secret, secret)
      demand(isSame, 'secret must be the one of the challenge for this nonce and these keys')
      return appraisalOf(keys, checkQuote(config, evidence, keys, nonceOf(context.binding)))
    },
  }
}

function checkKeys(config: TpmConfig, sent: SentKeys, context: AppraisalContext): TpmKeys {
  return { ek: checkEndorsementKey(config, sent, context), ak: checkAttestationKey(sent.akPublic) }
}

/**
 * Makes the secret of a challenge anew each time, so nothing is stored. Each part has a fixed length. Only the TPM
 * with these two keys can decrypt it, and it counts only with this nonce and for this key of an agent.
 */
function secretOf(challengeKey: HmacKey, { ek, ak }: TpmKeys, binding: Binding): Uint8Array {
  const parts = [nonceOf(binding), ak.name, ek.area.name, encodeUtf8(binding.thumbprint)]
  return hmacSha256(challengeKey, encodeUtf8('tpm'), ...parts)
}

function nonceOf({ nonce }: Binding): Uint8Array {
  demand(nonce !== undefined, 'A quote of a TPM needs a nonce')
  return nonce.bytes
}

function appraisalOf({ ek, ak }: TpmKeys, { pcrs, firmwareVersion, secureBoot }: QuotedState): Appraisal {
  const claims: VerifiedClaims = {
    ek_fingerprint: ek.fingerprint,
    ak_name: Buffer.from(ak.name).toString('hex'),
    ...ek.names,
    ...(firmwareVersion === undefined ? {} : { firmware_version: firmwareVersion }),
    ...(secureBoot === undefined ? {} : { secure_boot: secureBoot }),
    ...Object.fromEntries([...pcrs].map(([pcr, value]) => [`pcr_${pcr}`, value])),
  }
  return { claims, level: 'hardware', expiresAt: ek.expiresAt, uses: [] }
}
