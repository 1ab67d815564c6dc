import { createGenuineTokens } from '@auth4agent/core/genuine-tokens'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { pruneExpired } from '../shared/db/prune.ts'
import type { SigningKeyFacts } from '../shared/metrics/signing-key-metrics.ts'
import type { ServiceModule } from '../shared/rpc/rpc.ts'
import type { Job } from '../shared/schedule/scheduler.ts'
import type { AuthnDeps, AuthnOptions } from './config.ts'
import { issuerAudience } from './domain/token-request.ts'
import { openKeys } from './keys/open-keys.ts'
import { recognizeOwn } from './keys/recognize-own.ts'
import type { ListedKey } from './keys/signing-keys.ts'
import { keysRoutes } from './keys-routes.ts'
import { authnPolicies, keysPolicies } from './policy.ts'
import { createRedeemer, MAX_STATEMENTS, REDEEM_SESSION } from './redeemer.ts'
import { authnRoutes } from './routes.ts'
import { createSubjects } from './subjects.ts'

/** What a pool for redemptions is: how many connections, and the settings of their sessions. */
export const redeemPoolOptions = { poolSize: MAX_STATEMENTS, options: REDEEM_SESSION }

/** The authn service as the composition root holds it. */
export interface Authn {
  readonly authn: ServiceModule<typeof AuthnService>
  readonly keys: ServiceModule<typeof KeysService>
  /** The signing keys as the last pass has seen them. */
  signingKeyFacts(): SigningKeyFacts[]
  readonly jobs: readonly Job[]
  close(): Promise<void>
}

/**
 * Opens all keys, making the first of an empty deployment. Throws WrongKeyError or StartupError, before anything is written,
 * where they cannot be opened.
 */
export async function createAuthn(options: AuthnOptions): Promise<Authn> {
  const { db, redeemPool, now, agents, secrets, log, ...rest } = options
  await using opened = new AsyncDisposableStack()
  const keys = await openKeys({ db, secrets, log, settings: options.settings, now })
  opened.defer(() => keys.close())
  const deps: AuthnDeps = {
    ...rest,
    ...keys,
    db,
    now,
    termDefaults: { audience: issuerAudience(rest.issuer), ttl: rest.settings.defaultTtlS },
    subjects: createSubjects(agents),
    redeem: createRedeemer(redeemPool),
    genuineTokens: createGenuineTokens(rest.issuer, recognizeOwn(rest.verificationKeys, keys.signer)),
  }
  const all = opened.move()
  return {
    authn: { service: AuthnService, handlers: authnRoutes(deps), policies: authnPolicies },
    keys: { service: KeysService, handlers: keysRoutes(deps), policies: keysPolicies },
    signingKeyFacts: () => keys.signingKeys.lastSeen.map(factsOf),
    jobs: [...keys.jobs, { name: 'redemptions', run: () => pruneExpired(db.pool, 'redemptions', 'keep_until') }],
    close: () => all.disposeAsync(),
  }
}

function factsOf({ alg, state, activatedAt, isReady }: ListedKey): SigningKeyFacts {
  return {
    alg,
    state,
    isReady,
    activeSince: state === 'active' ? activatedAt?.getTime() : undefined,
  }
}
