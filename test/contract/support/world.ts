import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { encodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { type ChallengeContent, challengeMessage } from '@auth4agent/core/identity/challenge'
import { generateKeyPair, importSeed, seedToPem, sign } from '@auth4agent/core/keys/ed25519'
import { sealChallenge } from '../../../services/authn/domain/seal-challenge.ts'
import { FEDERATION, GRANT, INTROSPECTION, type KeyKind, tokenKind } from '../../../services/keys/domain/key-kinds.ts'
import { createKeyVault } from '../../../services/keys/key-vault.ts'
import { createSealedKeys } from '../../../services/keys/sealed-keys.ts'
import { importHmacKey } from '../../../services/platform/crypto/hmac.ts'
import { generateTokenKey } from '../../../services/platform/crypto/token-key.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { adminSigner, ISSUER } from '../../support/assertions.ts'
import { testDatabase } from '../../support/database.ts'
import { startDnsServer } from '../../support/dns-server.ts'
import { signCompactJws } from '../../support/jws.ts'
import { startAll } from '../../support/modes.ts'
import type { Environment, RunningServer } from '../../support/server.ts'
import { connectCallers } from './connect.ts'
import { grpcCaller } from './grpc.ts'
import { type SeededAgent, seed } from './seed.ts'
import { attestationSigner, seedAttestation } from './seed-attestation.ts'
import { seedAttestationPolicy } from './seed-attestation-policy.ts'
import { seedClients } from './seed-clients.ts'
import { seedConsents } from './seed-consents.ts'
import { seedIssuers } from './seed-issuers.ts'
import { seedProvider } from './seed-provider.ts'
import { seedStatusList } from './seed-status-list.ts'
import { seedStream } from './seed-streams.ts'
import { snapshots } from './snapshot.ts'

/** A server with its own database, and operators and agents in every status. */
export type World = Awaited<ReturnType<typeof startWorld>>

const KEK = new Uint8Array(32).fill(7)
const DAY_MS = 86_400_000

/** A server with the public ports, which may consist of several processes. */
export interface WorldServer extends Pick<RunningServer, 'baseUrl' | 'grpcAddress'> {
  stop(): Promise<unknown>
  /** Returns the log so far, if the server keeps it. */
  logs?(): string
}

/** Options of startWorld. */
export interface WorldOptions {
  readonly env?: Environment
  /** Maps the URL of the database to the URL that the server uses. */
  readonly databaseUrl?: (url: string) => Promise<string>
  /** Starts the server. The default is all parts together. */
  readonly start?: (env: Environment) => Promise<WorldServer>
}

/** Starts a world. Nothing in it changes by itself during a test. */
export async function startWorld({ env = {}, databaseUrl = async (url) => url, start = startAll }: WorldOptions = {}) {
  const database = await testDatabase()
  const { db } = database
  const dns = await startDnsServer()
  const admin = adminSigner()
  const parties = await seed(db)
  const keys = await seedKeys(db)
  const issuers = await seedIssuers(db, parties.operators.acme.id)
  const statusListId = await seedStatusList(db)
  const attestationPolicy = await seedAttestationPolicy(db, parties.operators.acme.id)
  const attestation = await seedAttestation(db, parties)
  await seedClients(db, parties.operators.acme.id)
  await seedConsents(db, { own: parties.operators.acme.id, other: parties.operators.bravo.id })
  const insertProvider = await seedProvider(db, parties.operators.acme.id, createKeyVault(KEK))
  const stream = await seedStream(db, parties.operators.acme.id)
  const server: WorldServer = await start({
    DATABASE_URL: await databaseUrl(database.url),
    AUTH4AGENT_BASE_URL: ISSUER,
    AUTH4AGENT_KEK: encodeBase64(KEK),
    AUTH4AGENT_ADMIN_KEY: encodeBase64(admin.pair.publicKey),
    AUTH4AGENT_DNS_SERVERS: dns.address,
    AUTH4AGENT_DNS_TIMEOUT: '3s',
    AUTH4AGENT_SCHEDULE_INTERVAL: '1h',
    AUTH4AGENT_OPEN_REGISTRATION: 'on',
    ...env,
  })
  const grpc = grpcCaller(server.grpcAddress)
  const challengeKey = await readChallengeKey(db)
  return {
    ...parties,
    keys,
    issuers,
    statusListId,
    attestationPolicy,
    stream,
    insertProvider,
    attestation: { ...attestation, ...(await attestationSigner(db, attestation)) },
    admin,
    db,
    dns,
    databaseUrl: database.url,
    grpc,
    connect: connectCallers(server.baseUrl),
    server,
    issuer: ISSUER,
    snapshot: await snapshots(db),
    challenge: challengeSealer(challengeKey),
    dpopNonce: nonceSealer(challengeKey),
    trustView: viewSealer(challengeKey),
    token: await tokenSigner(db, parties.agents.active),
    async stop() {
      grpc.close()
      await server.stop()
      await dns.close()
      await database.drop()
    },
  }
}

/** Inserts active signing keys. The EdDSA key for tokens also has a ready one. Ed25519 has no ready key. */
async function seedKeys({ prisma }: Db) {
  const sealed = createSealedKeys(createKeyVault(KEK))
  const createdAt = new Date(Date.now() - 3_600_000)
  const insert = async ({ purpose, alg }: KeyKind, state: 'active' | 'prepared') => {
    const pair = generateKeyPair()
    const { kid, publicJwk, stored } = sealed.seal({ purpose, alg }, Uint8Array.from(pair.seed))
    const data = {
      kid,
      purpose,
      alg,
      state,
      publicJwk: { ...publicJwk },
      createdAt,
      ...stored,
    } as const
    await prisma.jwksKey.create({ data })
    const signer = { publicKey: pair.publicKey, sign: async (message: Uint8Array) => sign(pair.privateKey, message) }
    return { kid, signer, pem: seedToPem(pair.seed) }
  }
  const insertFederationKey = async () => {
    const pair = await generateTokenKey('ES256')
    const { kid, publicJwk, stored } = sealed.seal(FEDERATION, pair.secret)
    await prisma.jwksKey.create({
      data: { kid, ...FEDERATION, state: 'active', publicJwk: { ...publicJwk }, createdAt, ...stored },
    })
  }
  await insert(INTROSPECTION, 'active')
  await insertFederationKey()
  return {
    grants: await insert(GRANT, 'active'),
    active: await insert(tokenKind('EdDSA'), 'active'),
    ready: await insert(tokenKind('EdDSA'), 'prepared'),
    lonely: await insert(tokenKind('Ed25519'), 'active'),
  }
}

type ChallengeKey = Awaited<ReturnType<typeof readChallengeKey>>

/** Reads the server's own challenge key. */
async function readChallengeKey({ prisma }: Db) {
  const row = await prisma.challengeKey.findFirstOrThrow({
    where: { slot: BigInt(Math.floor(Date.now() / DAY_MS)) },
  })
  const { id, wrappedKey, kekId } = row
  return { id, bytes: createKeyVault(KEK).open(wrappedKey, kekId, { purpose: 'challenge', id }) }
}

/**
 * Returns a function that creates challenges with any content, sealed under the server's own challenge key, with the
 * agent's signature.
 */
function challengeSealer({ id: kid, bytes }: ChallengeKey) {
  const key = importHmacKey(bytes)
  return ({ did, pair }: Pick<SeededAgent, 'did' | 'pair'>, content: Partial<ChallengeContent> = {}) => {
    const nonceBytes = randomBytes(16)
    const exp = Math.floor(Date.now() / 1000) + 300
    const challenge = sealChallenge({ v: 1, iss: ISSUER, did, exp, kid, ...content }, nonceBytes, key)
    const nonce = encodeBase64url(nonceBytes)
    return { did, challenge, nonce, signature: encodeBase64(sign(pair.privateKey, challengeMessage(challenge, nonce))) }
  }
}

/** Returns a function that creates nonces for DPoP proofs, under the server's own key, with any expiry and label. */
function nonceSealer({ id, bytes }: ChallengeKey) {
  return (exp = Math.floor(Date.now() / 1000) + 300, { kid = id, label = 'auth4agent-dpop-nonce:' } = {}): string => {
    const text = `${kid}.${exp}`
    return `${text}.${createHmac('sha256', bytes).update(`${label}${text}`).digest('base64url')}`
  }
}

/** Returns a function that makes the parameter of a link to the trust graph, from what it says. */
function viewSealer({ id, bytes }: ChallengeKey) {
  return (content: string): string => {
    const text = `${id}.${content}`
    return `${text}.${createHmac('sha256', bytes).update(`auth4agent-trust-view:${text}`).digest('base64url')}`
  }
}

/**
 * Returns a function that signs tokens with the server's own signing key. The tokens are those of acme's active agent,
 * with edits.
 */
async function tokenSigner({ prisma }: Db, { did, operatorId }: SeededAgent) {
  const row = await prisma.jwksKey.findFirstOrThrow({
    where: { purpose: 'access_token', state: 'active', alg: 'EdDSA' },
  })
  const { wrappedKey, kekId, kid, purpose } = row
  const pair = importSeed(createKeyVault(KEK).open(wrappedKey ?? new Uint8Array(), kekId, { purpose, id: kid }))
  if (pair === undefined) throw new Error('The private signing key must be a seed of 32 bytes')
  return (claims: object = {}, header: object = {}): string => {
    const iat = Math.floor(Date.now() / 1000)
    const times = { iat, nbf: iat, exp: iat + 900, jti: randomUUID(), epoch: [1, 1] }
    const good = {
      iss: ISSUER,
      sub: did,
      aud: [ISSUER],
      scope: 'read',
      operator_id: operatorId,
      client_id: did,
      ...times,
    }
    return signCompactJws({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header }, { ...good, ...claims }, pair.privateKey)
  }
}
