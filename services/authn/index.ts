import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { pruneExpired } from '../shared/db/prune.ts'
import type { ServiceModule } from '../shared/rpc/rpc.ts'
import type { AuthnDeps, AuthnOptions } from './config.ts'
import { createChallengeKeyring } from './keys/challenge-keyring.ts'
import { createKeyVault } from './keys/key-vault.ts'
import { openTokenSigner } from './keys/signing-keys.ts'
import { authnPolicies, keysPolicies } from './policy.ts'
import { authnRoutes, keysRoutes } from './routes.ts'
import { createSubjects } from './subjects.ts'

export { WrongKeyError } from './keys/key-vault.ts'

/** The authn service as the composition root holds it. */
export interface Authn {
  readonly authn: ServiceModule<typeof AuthnService>
  readonly keys: ServiceModule<typeof KeysService>
  /** One pass of the scheduled work: challenge keys of the coming slot, old redemptions. */
  runSchedule(): Promise<void>
}

/** Opens the signing key and the challenge keys, making them in an empty deployment. Throws WrongKeyError. */
export async function createAuthn(options: AuthnOptions): Promise<Authn> {
  const { db, now, agents, kek, ...rest } = options
  const vault = createKeyVault(kek)
  const challengeKeys = createChallengeKeyring(db.prisma, vault, now)
  // All that is sealed must open before anything is written.
  await challengeKeys.load()
  const signer = await openTokenSigner(db.prisma, vault)
  await challengeKeys.rotate()
  const deps: AuthnDeps = { ...rest, db, now, signer, challengeKeys, subjects: createSubjects(agents) }
  return {
    authn: { service: AuthnService, handlers: authnRoutes(deps), policies: authnPolicies },
    keys: { service: KeysService, handlers: keysRoutes(deps), policies: keysPolicies },
    async runSchedule() {
      await challengeKeys.rotate()
      await pruneExpired(db.pool, 'redemptions', 'keep_until')
    },
  }
}
