import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import type { SigningKeyFacts } from '../platform/metrics/signing-key-metrics.ts'
import type { KeysOptions } from './config.ts'
import { isOfKind, SECURITY_EVENT } from './domain/key-kinds.ts'
import { createFederationKeys, type FederationKeys } from './federation-keys.ts'
import { type OpenKeys, openKeys } from './open-keys.ts'
import { keysPolicies } from './policy.ts'
import { publishedKeys } from './published-keys.ts'
import { keysRoutes } from './routes.ts'
import type { ListedKey } from './signing-keys.ts'
import type { PublicSigningKey } from './verification-keys.ts'

export type { ChallengeKeyring } from './challenge-keyring.ts'
export type { KeysSecrets, KeysSettings } from './config.ts'
export { parseSigningKey } from './domain/parse-signing-key.ts'
export { readPrivateJwk } from './domain/parse-signing-key-jwk.ts'
export type { FederationKeys } from './federation-keys.ts'
export type { TokenSigner } from './jwt-signer.ts'
export type { KeyVault, Sealed } from './key-vault.ts'
export type { FederationSigners, SignalSigners } from './open-keys.ts'
export { PASSKEY_NONCE_LIFETIME_S } from './passkey-nonce.ts'
export { openText, type SealDeps, sealText, secretOf } from './sealed-text.ts'
export { createVerificationKeys, type VerificationKeys } from './verification-keys.ts'

/** The opened keys of the deployment, and the RPC service that manages them. */
export interface Keys
  extends Pick<
    OpenKeys,
    | 'vault'
    | 'signer'
    | 'introspectionSigner'
    | 'grantSigner'
    | 'statementSigner'
    | 'nonceSigner'
    | 'chainingSigners'
    | 'federationSigners'
    | 'signalSigners'
    | 'challengeKeys'
    | 'jobs'
    | 'close'
  > {
  readonly module: ServiceModule<typeof KeysService>
  readonly federationKeys: FederationKeys
  /** Returns the prepared, active and retiring keys that sign security event tokens. */
  securityEventKeys(): Promise<readonly PublicSigningKey[]>
  /** Returns the signing keys as the last pass of the schedule found them. */
  signingKeyFacts(): SigningKeyFacts[]
}

/**
 * Opens all keys, and creates the first keys of an empty deployment.
 * @throws WrongKeyError or StartupError when a key cannot be opened or no first key can be created. When a key cannot
 *   be opened, nothing has been written.
 */
export async function createKeys(options: KeysOptions): Promise<Keys> {
  const opened = await openKeys(options)
  return {
    module: { service: KeysService, handlers: keysRoutes({ ...options, ...opened }), policies: keysPolicies },
    vault: opened.vault,
    signer: opened.signer,
    introspectionSigner: opened.introspectionSigner,
    grantSigner: opened.grantSigner,
    statementSigner: opened.statementSigner,
    nonceSigner: opened.nonceSigner,
    chainingSigners: opened.chainingSigners,
    federationSigners: opened.federationSigners,
    signalSigners: opened.signalSigners,
    federationKeys: createFederationKeys({ ...options, prisma: options.db.prisma }),
    securityEventKeys: async () => (await publishedKeys(options)).filter((key) => isOfKind(SECURITY_EVENT, key)),
    challengeKeys: opened.challengeKeys,
    signingKeyFacts: () => opened.signingKeys.lastSeen.map(factsOf),
    jobs: opened.jobs,
    close: () => opened.close(),
  }
}

function factsOf({ purpose, alg, state, activatedAt, isReady }: ListedKey): SigningKeyFacts {
  return {
    purpose,
    alg,
    state,
    isReady,
    activeSince: state === 'active' ? activatedAt?.getTime() : undefined,
  }
}

export {
  CHAINING_GRANT_TYPE,
  type ChainingGrant,
  type ChainingGrantType,
  ID_JAG_TYPE,
  MAX_CHAINING_GRANT_BYTES,
  MAX_CHAINING_GRANT_TTL_S,
  parseChainingGrant,
} from './chaining-grant.ts'
