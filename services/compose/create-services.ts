import {
  AgentDirectoryService,
  KeyHistoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { ServiceName } from '../configuration/service-names.ts'
import { createNonceCheck } from '../keys/passkey-nonce.ts'
import { createVerificationKeys } from '../keys/verification-keys.ts'
import { pruneLedger } from '../ledger/ledger.ts'
import { makePartitions } from '../ledger/partitions.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { Part, ServiceDeps } from './part.ts'
import { keysMaxAgeMs, retentionMsOf } from './times.ts'

/**
 * Creates the services of this process. Each gets clients of the services that it calls, local or remote. Loads only
 * the code of these services, because loading takes most of the time of a start.
 */
export async function createServices(deps: ServiceDeps) {
  const { config, db, log, remotes } = deps
  const runs = (name: ServiceName) => config.services.includes(name)
  const verificationKeys = createVerificationKeys(db.prisma, () => performance.now(), keysMaxAgeMs(config))
  const registry = runs('operator-registry') ? (await import('./create-registry.ts')).makeRegistry(deps) : undefined
  const operators = registry?.operators ?? remotes.client('operator-registry', OperatorDirectoryService)
  const histories = registry?.histories ?? remotes.client('operator-registry', KeyHistoryService)
  const identity = runs('identity')
    ? (await import('./create-identity.ts')).makeIdentity(deps, operators, histories)
    : undefined
  const authn = runs('authn')
    ? await (await import('./create-authn.ts')).makeAuthn(deps, verificationKeys, {
        operators,
        agents: identity?.agents ?? remotes.client('identity', AgentDirectoryService),
      })
    : undefined
  const revocation = runs('revocation')
    ? (await import('./create-revocation.ts')).makeRevocation(deps, verificationKeys)
    : undefined
  const parts: readonly Part[] = [registry, identity, authn, revocation].filter((part) => part !== undefined)
  const retentionMs = retentionMsOf(config)
  const ledger: Job = { name: 'ledger', run: () => pruneLedger(db, deps.passedTime, retentionMs) }
  const partitions: Job = { name: 'partitions', run: () => keepPartitions(deps) }
  // The server may have been off for so long that this month has no partition.
  if (parts.length > 0) {
    await partitions.run().catch((error: unknown) => log.warn({ error }, 'partitions of the audit could not be made'))
  }
  return {
    operators,
    routes: parts.flatMap(({ routes }) => routes),
    internal: parts.flatMap(({ internal }) => internal),
    watchers: revocation?.watchers,
    signingKeyFacts: authn?.signingKeyFacts,
    issuerFacts: authn?.issuerFacts,
    anchorFacts: authn?.anchorFacts,
    verifyAccess: authn?.verifyAccess,
    isFreshNonce: createNonceCheck(verificationKeys),
    async close() {
      await Promise.all(parts.map(async (part) => part.close?.()))
    },
    // Every process with a service other than the gateway stores used assertions, so it also removes expired ones.
    jobs: parts.length === 0 ? [] : [...parts.flatMap(({ jobs }) => jobs), ledger, partitions],
  }
}

function keepPartitions({ db, metrics: { partitions } }: Pick<ServiceDeps, 'db' | 'metrics'>): Promise<void> {
  return makePartitions(db.pool, ({ strays, endsAt }) => {
    partitions.strays(strays)
    partitions.endsAt(endsAt)
  })
}
