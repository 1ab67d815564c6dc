import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ForeignTrustSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { ForeignTrust } from '../trust/index.ts'

/** Writes why a token of a foreign issuer is valid here. */
export function toForeignTrust(trust: ForeignTrust): MessageInitShape<typeof ForeignTrustSchema> {
  const { issuer, trusted, keysAsOf, domainAsOf, revocationsAsOf, maxStalenessMs } = trust
  return {
    issuer: issuer.issuer,
    edges: [...trusted.edges],
    effectiveScope: trusted.scopes.join(' '),
    audience: trusted.audience,
    revocationMode: issuer.mode,
    maxStalenessMs,
    ...(keysAsOf !== undefined && { keysAsOf: timestampFromMs(keysAsOf) }),
    ...(domainAsOf !== undefined && { domainAsOf: timestampFromMs(domainAsOf) }),
    ...(revocationsAsOf !== undefined && { revocationsAsOf: timestampFromMs(revocationsAsOf) }),
  }
}
