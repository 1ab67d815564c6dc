import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import { type ParsedStatement, parseTrustStatement } from '@auth4agent/core/trust/parse-statement'
import { refuseStatement, type StatementRefusal } from '@auth4agent/core/trust/statement-rules'

/**
 * Parses a trust statement and verifies its signature under the key in its own header. This says nothing about the
 * signer: anyone can sign under a key of their own. The caller must compare the thumbprint with the root keys of the
 * operator `iss`, as its deployment or its DNS record shows them. It reads no clock.
 */
export function verifyTrustStatement(text: string): ParsedStatement | StatementRefusal {
  const parsed = parseTrustStatement(text)
  if (!parsed.ok) return parsed
  const key = importPublicKey(decodeBase64url(parsed.jwk.x) ?? new Uint8Array())
  const isSigned = key !== undefined && verify(key, parsed.signingInput, parsed.signature)
  return isSigned ? parsed : refuseStatement('The signature', 'signature')
}
