import { IssuerService } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { ServiceModule } from '../chain/rpc.ts'
import type { TrustOptions } from './config.ts'
import { explainRoutes } from './explain/routes.ts'
import { issuerRoutes } from './issuers/routes.ts'
import { issuerPolicies, trustPolicies } from './policy.ts'
import { statementRoutes } from './statements/routes.ts'

/** The trust part of the server: its RPC services. */
export interface Trust {
  readonly issuers: ServiceModule<typeof IssuerService>
  readonly trust: ServiceModule<typeof TrustService>
}

/** Creates the trust part of the server: foreign issuers, trust statements, and the graph that they make. */
export function createTrust(options: TrustOptions): Trust {
  return {
    issuers: { service: IssuerService, handlers: issuerRoutes(options), policies: issuerPolicies },
    trust: {
      service: TrustService,
      handlers: { ...statementRoutes(options), ...explainRoutes(options) },
      policies: trustPolicies,
    },
  }
}
