import { AttestationService, type Attestation as Evidences } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { AttestationPolicyService } from '../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { type Author, systemAuthor } from '../ledger/ledger.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import { pruneExpired, removeExpired } from '../platform/db/prune.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { admitAgent, type EnrollingAgent, type RuleAdmission } from './admit.ts'
import { attestAgent } from './attest.ts'
import type { AttestationDeps } from './config.ts'
import { revokeUnused } from './expire-unused.ts'
import { attestationPolicyPolicies } from './management/policy.ts'
import { createAttestationPolicy } from './management/routes.ts'
import { attestationPolicies } from './policy.ts'
import { attestationRoutes } from './routes.ts'
import { type AttestationStanding, checkRegistration, readStanding, type StandingAgent } from './standing.ts'

export { describeEvidence, keepRule, type RuleAdmission, refusalForPlaces } from './admit.ts'
export type { AttestationDeps } from './config.ts'
export { toResultMessage } from './routes.ts'
export { writeResults } from './store/results.ts'
export { createAttestorTypes } from './types/index.ts'

/** The attestation part of the server. */
export interface Attestation {
  readonly module: ServiceModule<typeof AttestationService>
  readonly policy: ServiceModule<typeof AttestationPolicyService>
  readonly jobs: readonly Job[]
  /** Appraises the evidence of an agent that enrols, and chooses its rule. See admitAgent. */
  admit(candidate: EnrollingAgent, attestation: Evidences): Promise<RuleAdmission>
  /** Appraises evidence that came with a request for a token. See attestAgent. */
  attestForToken(author: Author, did: string, attestation: Evidences): Promise<void>
  /** Refuses to register an agent without the results that it needs. See checkRegistration. */
  checkRegistration(agent: StandingAgent, scopes: readonly string[]): Promise<void>
  /** Reads what attestation says about the tokens of an agent. */
  standing(agent: StandingAgent): Promise<AttestationStanding>
}

/** Creates the attestation part of the server, which appraises evidence and keeps the results. */
export function createAttestation(deps: AttestationDeps, passedTime: PassedTime): Attestation {
  const { db, now } = deps
  return {
    module: { service: AttestationService, handlers: attestationRoutes(deps), policies: attestationPolicies },
    policy: {
      service: AttestationPolicyService,
      handlers: createAttestationPolicy(deps),
      policies: attestationPolicyPolicies,
    },
    jobs: [
      {
        name: 'unused-agents',
        async run() {
          const author = systemAuthor('attestation')
          while (await revokeUnused(db.prisma, author, new Date(now())));
        },
      },
      { name: 'join-tokens', run: () => removeExpired(db.pool, 'join_tokens', now()) },
      { name: 'used-evidence', run: () => pruneExpired(db.pool, passedTime, 'attestation_uses', 'keep_until') },
    ],
    admit: (candidate, attestation) => admitAgent(deps, candidate, attestation),
    async attestForToken(author, did, attestation) {
      await attestAgent(deps, author, { did, attestation, purpose: 'token' })
    },
    checkRegistration: (agent, scopes) => checkRegistration(db.prisma, agent, scopes, now()),
    standing: (agent) => readStanding(db.prisma, agent, now()),
  }
}
