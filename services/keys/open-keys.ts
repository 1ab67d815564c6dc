import { GRANT_TYPE, HOLDER_STATEMENT_TYPE } from '@auth4agent/core/delegation/grant-types'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { ACCESS_TOKEN_TYPE, MAX_TOKEN_TTL_S } from '@auth4agent/core/token/claims'
import { systemAuthor } from '../ledger/ledger.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import { type ActiveKeySigner, createActiveKeySigner } from './active-key-signer.ts'
import { CHAINING_GRANT_TYPE, type ChainingGrant, type ChainingGrantType, ID_JAG_TYPE } from './chaining-grant.ts'
import { type ChallengeKeyring, createChallengeKeyring } from './challenge-keyring.ts'
import type { KeysOptions } from './config.ts'
import { FEDERATION, GRANT, INTROSPECTION, SECURITY_EVENT, tokenKind } from './domain/key-kinds.ts'
import { parseSigningKey } from './domain/parse-signing-key.ts'
import { createJwtSigner, type JwtSigner, type TokenSigner } from './jwt-signer.ts'
import { createKeyAges } from './key-ages.ts'
import type { KeyProvider } from './key-provider.ts'
import { createKeyVault, type KeyVault } from './key-vault.ts'
import { PASSKEY_NONCE_TYPE } from './passkey-nonce.ts'
import { openPkcs11Provider } from './pkcs11/pkcs11-provider.ts'
import { createPrivateKeys } from './private-keys.ts'
import { checkSealed, resealOld } from './rewrap.ts'
import { createSealedKeys, type SealedKeys } from './sealed-keys.ts'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'

/** Signers of the JWTs of OpenID Federation. Each type has its own `typ` (OpenID Federation 1.0 section 15). */
export interface FederationSigners {
  /** Signs entity configurations and subordinate statements. */
  readonly statements: ActiveKeySigner<object>
  readonly resolveResponses: ActiveKeySigner<object>
  /** Signs the set of historical keys. */
  readonly keySets: ActiveKeySigner<object>
}

/** Signers of documents that tell verifiers about revocations. */
export interface SignalSigners {
  /**
   * Signs status lists. A list is signed like the tokens that it covers, by the keys of their algorithm, because those
   * are the keys and the algorithm that an offline verifier has.
   */
  readonly statusList: Readonly<Record<TokenAlgorithm, ActiveKeySigner<object>>>
  /** Signs security event tokens (RFC 8417). */
  readonly securityEvent: ActiveKeySigner<object>
}

/** The opened keys, and the objects that use and manage them. */
export interface OpenKeys {
  readonly vault: KeyVault
  readonly sealedKeys: SealedKeys
  readonly challengeKeys: ChallengeKeyring
  readonly signingKeys: SigningKeys
  readonly signer: TokenSigner
  /** Signs introspection answers (RFC 9701 section 5). */
  readonly introspectionSigner: ActiveKeySigner<object>
  /** Signs the first grants of chains. `kid` names the key that was active when the challenge was redeemed. */
  readonly grantSigner: JwtSigner<object>
  /** Signs statements about the holders of grants. */
  readonly statementSigner: ActiveKeySigner<object>
  /** Signs nonces for passkeys. */
  readonly nonceSigner: ActiveKeySigner<object>
  /**
   * Signs grants for other deployments, by their `typ`. They are signed with the keys of tokens, because those are the
   * keys that other deployments have. Every reader demands its own `typ`.
   */
  readonly chainingSigners: Readonly<Record<ChainingGrantType, JwtSigner<ChainingGrant>>>
  readonly federationSigners: FederationSigners
  readonly signalSigners: SignalSigners
  /** The jobs are separate, so that a missing hardware token does not delay the other jobs. */
  readonly jobs: readonly Job[]
  close(): Promise<void>
}

/**
 * How long a retiring key still verifies, in seconds: the longest lifetime of a token, plus five minutes because
 * clocks differ. The revocation log keeps its records for the same time. An introspection answer says nothing about
 * the time after its token expires, and grants and statements live no longer than tokens. So the same time is enough
 * for them, for federation statements, which live an hour, and for status lists. A security event token does not
 * expire: its receiver verifies it when it arrives.
 */
const RETIRE_AFTER_S = MAX_TOKEN_TTL_S + 300

/**
 * Opens all existing keys. Then creates the first signing keys of an empty deployment, and missing challenge keys.
 * Writes nothing before all existing keys are open.
 */
export async function openKeys(options: KeysOptions): Promise<OpenKeys> {
  const { now, settings, secrets, log } = options
  const { prisma } = options.db
  const vault = createKeyVault(secrets.kek, secrets.otherKeks)
  const sealedKeys = createSealedKeys(vault)
  const challengeKeys = createChallengeKeyring(prisma, vault, now)
  await checkSealed(prisma, vault)
  const external = secrets.pkcs11 && (await openPkcs11Provider({ ...secrets.pkcs11, log }))
  const provider = createPrivateKeys({ sealed: sealedKeys, external })
  const signers = createSigners(options, provider)
  const refresh = async () => {
    const results = await Promise.allSettled(signers.all.map((each) => each.refresh()))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
  const times = { ...settings, retireAfterS: RETIRE_AFTER_S }
  const ages = createKeyAges(() => performance.now())
  const signingKeys = createSigningKeys({ prisma, provider, times, ages, log })
  try {
    await refresh()
    await makeFirst(signingKeys, sealedKeys, secrets.signingKey, log)
    await refresh()
    await challengeKeys.rotate()
  } catch (error) {
    await provider.close()
    throw error
  }
  return {
    vault,
    sealedKeys,
    challengeKeys,
    signingKeys,
    signer: signers.tokens,
    introspectionSigner: signers.answers,
    grantSigner: signers.grants,
    statementSigner: signers.statements,
    nonceSigner: signers.nonces,
    chainingSigners: signers.chaining,
    federationSigners: signers.federation,
    signalSigners: signers.signals,
    jobs: [
      { name: 'challenge-keys', run: () => challengeKeys.rotate() },
      { name: 'signing-keys', run: () => signingKeys.runSchedule() },
      // This job opens keys that another process has created.
      { name: 'open-signing-keys', run: refresh },
      {
        name: 'reseal-keys',
        async run() {
          await resealOld({ prisma, vault, author: systemAuthor('reseal-keys') })
        },
      },
    ],
    async close() {
      await signingKeys.idle()
      await provider.close()
    },
  }
}

/** Creates the signers of all types of JWTs. `all` has those whose keys must be opened. */
function createSigners(options: KeysOptions, provider: KeyProvider) {
  const { prisma } = options.db
  const tokens: TokenSigner = createJwtSigner({ purpose: 'access_token', type: ACCESS_TOKEN_TYPE }, prisma, provider)
  const answers = createJwtSigner({ purpose: 'introspection', type: 'token-introspection+jwt' }, prisma, provider)
  const grants = createJwtSigner({ purpose: 'grant', type: GRANT_TYPE }, prisma, provider)
  const statements = createJwtSigner({ purpose: 'grant', type: HOLDER_STATEMENT_TYPE }, prisma, provider)
  const nonces = createJwtSigner({ purpose: 'grant', type: PASSKEY_NONCE_TYPE }, prisma, provider)
  const chainingSigner = (type: ChainingGrantType): JwtSigner<ChainingGrant> =>
    createJwtSigner({ purpose: 'access_token', type }, prisma, provider)
  const chaining = {
    [ID_JAG_TYPE]: chainingSigner(ID_JAG_TYPE),
    [CHAINING_GRANT_TYPE]: chainingSigner(CHAINING_GRANT_TYPE),
  }
  const federation = createFederationSigners(options, provider)
  const signals = createSignalSigners(options, provider)
  return {
    all: [tokens, answers, grants, statements, nonces, ...Object.values(chaining), ...federation.all, ...signals.all],
    tokens,
    chaining,
    answers: createActiveKeySigner({ ...options, kind: INTROSPECTION, signer: answers, noKey: NO_ANSWER_KEY }),
    grants,
    statements: createActiveKeySigner({ ...options, kind: GRANT, signer: statements, noKey: NO_GRANT_KEY }),
    nonces: createActiveKeySigner({ ...options, kind: GRANT, signer: nonces, noKey: NO_GRANT_KEY }),
    federation: federation.signers,
    signals: signals.signers,
  }
}

function createSignalSigners(options: KeysOptions, provider: KeyProvider) {
  const { prisma } = options.db
  const lists = createJwtSigner({ purpose: 'access_token', type: 'statuslist+jwt' }, prisma, provider)
  const events = createJwtSigner({ purpose: 'security_event', type: 'secevent+jwt' }, prisma, provider)
  const listSigner = (alg: TokenAlgorithm) =>
    createActiveKeySigner({ ...options, kind: tokenKind(alg), signer: lists, noKey: NO_LIST_KEY })
  const statusList = {
    EdDSA: listSigner('EdDSA'),
    Ed25519: listSigner('Ed25519'),
    ES256: listSigner('ES256'),
    RS256: listSigner('RS256'),
  }
  const securityEvent = createActiveKeySigner({
    ...options,
    kind: SECURITY_EVENT,
    signer: events,
    noKey: NO_EVENT_KEY,
  })
  return { all: [lists, events], signers: { statusList, securityEvent } satisfies SignalSigners }
}

function createFederationSigners(options: KeysOptions, provider: KeyProvider) {
  const create = (type: string) => createJwtSigner({ purpose: 'federation', type }, options.db.prisma, provider)
  const statements = create('entity-statement+jwt')
  const resolveResponses = create('resolve-response+jwt')
  const keySets = create('jwk-set+jwt')
  const withActiveKey = (signer: JwtSigner<object>) =>
    createActiveKeySigner({ ...options, kind: FEDERATION, signer, noKey: NO_FEDERATION_KEY })
  return {
    all: [statements, resolveResponses, keySets],
    signers: {
      statements: withActiveKey(statements),
      resolveResponses: withActiveKey(resolveResponses),
      keySets: withActiveKey(keySets),
    },
  }
}

async function makeFirst(
  keys: SigningKeys,
  sealedKeys: SealedKeys,
  text: string | undefined,
  log: Logger,
): Promise<void> {
  const parsed = text === undefined ? undefined : await parseFile(text)
  const imported = parsed && sealedKeys.seal(tokenKind(parsed.alg), parsed.secret)
  const known = (await keys.list()).map(({ kid }) => kid)
  if (known.length === 0) {
    await keys.ensureFirst(imported).catch((error: unknown) => {
      // Only a failure of the hardware token is an ApiError. Errors of the database have other types.
      throw error instanceof ApiError
        ? new StartupError(`The first signing keys cannot be created: ${error.message}`)
        : error
    })
  }
  if (imported === undefined) return
  // Another process that started at the same time may have created the first keys.
  if (!(await keys.list()).some(({ kid }) => kid === imported.kid)) log.warn({ kid: imported.kid }, UNUSED)
}

async function parseFile(text: string): ReturnType<typeof parseSigningKey> {
  try {
    return await parseSigningKey(text, '')
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    throw new StartupError(`The key in AUTH4AGENT_SIGNING_KEY_FILE cannot be used: ${error.message}`)
  }
}

const NO_ANSWER_KEY =
  'No key that signs introspection answers is active yet; try again later, or ask for an answer as JSON'
const NO_FEDERATION_KEY = 'No key that signs statements of OpenID Federation is active yet; try again later'
const NO_LIST_KEY = 'No key that signs status lists with this algorithm is active yet; try again later'
const NO_EVENT_KEY = 'No key that signs security events is active yet; try again later'
const NO_GRANT_KEY = 'No key that signs grants is active yet; try again later'
const UNUSED =
  'AUTH4AGENT_SIGNING_KEY_FILE was not used, because it works only at the first start, when there are no signing keys; import the key instead'
