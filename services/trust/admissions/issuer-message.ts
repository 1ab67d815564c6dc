import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { AdmittedIssuerSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { keysUsableUntil, longestTtlS } from '../decide/issuer-keys.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'

/** Returns an issuer as a verifier of its tokens must know it. */
export function issuerMessage(issuer: KnownIssuer): MessageInitShape<typeof AdmittedIssuerSchema> {
  const { kind, algorithms, mode, maxStalenessMs, generation, acceptedFromS, keysAsOf, keys } = issuer
  const usableUntil = keysUsableUntil(issuer)
  return {
    issuer: issuer.issuer,
    kind,
    algorithms: [...algorithms],
    revocationMode: mode,
    maxTokenTtl: longestTtlS(issuer),
    maxStalenessMs,
    generation,
    // Rounded up, because only tokens that were issued later count.
    ...(acceptedFromS > 0 && { acceptedFrom: timestampFromMs(Math.ceil(acceptedFromS * 1_000)) }),
    // Tokens of other OAuth servers name no agents, and have claims of their own.
    keys: kind === 'oauth' ? [] : [...keys].map(([kid, { alg, jwk }]) => Object.assign({ alg, use: 'sig', kid }, jwk)),
    ...(keysAsOf !== undefined && { keysAsOf: timestampFromMs(Math.floor(keysAsOf)) }),
    ...(usableUntil !== undefined && { keysUsableUntil: timestampFromMs(Math.floor(usableUntil)) }),
  }
}
