import { type Authn, createAuthn, readTimeline, redeemPoolOptions } from '../authn/index.ts'
import { routesOf } from '../calls/rpc.ts'
import type { Config } from '../configuration/config.ts'
import { authorizationServerMetadata } from '../jwks-gateway/well-known/authorization-server.ts'
import { createKeys, type Keys, type VerificationKeys } from '../keys/index.ts'
import { createPeople, type People } from '../people/index.ts'
import { deriveHmacKey, importHmacKey } from '../platform/crypto/hmac.ts'
import { openPool } from '../platform/db/db.ts'
import { createTxtResolvers } from '../platform/dns/resolve-txt.ts'
import { limitKeys } from '../platform/limits/limit-keys.ts'
import { scaleRates, scaleWorkRates } from '../platform/limits/rates.ts'
import { type BudgetRules, PUSHES, REQUESTS } from '../platform/outbound/budget.ts'
import { createOutbound, type Outbound } from '../platform/outbound/outbound.ts'
import { createSignals, type Signals } from '../signals/index.ts'
import { createStatusLists, type StatusLists } from '../status-list/index.ts'
import { createTrust, type Trust } from '../trust/index.ts'
import type { Agents, Operators, Part, ServiceDeps } from './part.ts'
import { keysMaxAgeMs, MIN_TOKEN_TTL_S, retentionMsOf } from './times.ts'

/** How long the database keeps a redeemed challenge after it has expired, in seconds. */
const KEEP_REDEMPTION_S = 600
const LOG_ENDPOINT_AUDIENCE_MS = 3_600_000
/** Creates authn, with the keys and the trust that belong to its process. */
export async function makeAuthn(
  deps: ServiceDeps,
  verificationKeys: VerificationKeys,
  clients: { readonly operators: Operators; readonly agents: Agents },
): Promise<
  Part & Pick<Keys, 'signingKeyFacts'> & Pick<Trust, 'issuerFacts' | 'anchorFacts'> & Pick<Authn, 'verifyAccess'>
> {
  const { config, database, db, log, revocations } = deps
  await using opened = new AsyncDisposableStack()
  const redeemPool = openPool({ ...database, ...redeemPoolOptions, log })
  opened.defer(() => redeemPool.end())
  const keys = await makeKeys(deps, verificationKeys)
  opened.defer(() => keys.close())
  const { trust, close } = await makeTrust(deps, keys, clients.operators)
  opened.defer(close)
  const statusLists = makeStatusLists(deps, keys, trust)
  const people = makePeople(deps, keys, clients.operators)
  opened.defer(() => people.close())
  const authn = createAuthn({
    ...clients,
    timeline: await readTimeline(db.pool),
    verifyForeign: trust.verifyForeign,
    chaining: trust.chaining,
    judgeIdJag: trust.judgeIdJag,
    userGrants: people.userGrants,
    checkUser: people.checkUser,
    clientKeys: people.clientKeys,
    devices: people.devices,
    statusPlaces: statusLists.places,
    db,
    redeemPool,
    durability: deps.durability,
    now: Date.now,
    issuer: config.issuer,
    tokenStatus: revocations.tokenStatus,
    verificationKeys,
    keys,
    passedTime: deps.passedTime,
    sawEndpointAudience: reportEndpointAudience(deps),
    onCheck(outcome, fault) {
      deps.metrics.countCheck(outcome)
      const level = fault?.isFault === false ? 'warn' : 'error'
      if (fault !== undefined) log[level]({ reason: fault.reason, error: fault.cause }, 'a check could not be decided')
    },
    chainedRate: scaleRates(config.rateFactorPercent / 100).token.subject,
    fleetRate: scaleWorkRates(config.rateFactorPercent / 100).tokens,
    settings: {
      challengeTtlS: config.challengeTtl,
      defaultTtlS: config.tokenTtl,
      ttlS: { min: MIN_TOKEN_TTL_S, max: config.maxTokenTtl },
      skewS: config.clockSkew,
      keepRedemptionS: KEEP_REDEMPTION_S,
      assertionAudience: config.assertionAudience,
    },
  })
  const signals = makeSignals(deps, keys)
  opened.defer(() => signals.close())
  const all = opened.move()
  return {
    routes: [
      ...routesOf(authn.module),
      ...routesOf(authn.oauth),
      ...routesOf(authn.grants),
      ...routesOf(authn.authorization),
      ...routesOf(keys.module),
      ...routesOf(trust.issuers),
      ...routesOf(trust.trust),
      ...routesOf(trust.federation),
      ...routesOf(trust.federationAdmin),
      ...routesOf(statusLists.module),
      ...routesOf(signals.module),
      ...routesOf(people.module),
      ...routesOf(people.signIn),
      ...routesOf(people.providerSignals),
      ...routesOf(people.clientRegistration),
    ],
    internal: [],
    jobs: [...keys.jobs, ...authn.jobs, ...trust.jobs, ...statusLists.jobs, ...signals.jobs, ...people.jobs],
    close: () => all.disposeAsync(),
    signingKeyFacts: () => keys.signingKeyFacts(),
    issuerFacts: () => trust.issuerFacts(),
    anchorFacts: () => trust.anchorFacts(),
    verifyAccess: authn.verifyAccess,
  }
}

async function makeKeys(
  { config, secrets, db, log, revocations }: ServiceDeps,
  verificationKeys: VerificationKeys,
): Promise<Keys> {
  const { kek } = secrets
  if (kek === undefined) throw new Error('A process with authn needs a key-encryption key')
  const settings = {
    jwksMaxAgeS: config.jwksMaxAge,
    publishS: publishS(config),
    rotateAfterS: config.keyRotationInterval,
  }
  const { tokenStatus } = revocations
  return createKeys({ db, now: Date.now, settings, secrets: { ...secrets, kek }, log, tokenStatus, verificationKeys })
}

async function makeTrust(
  deps: ServiceDeps,
  keys: Keys,
  operators: Operators,
): Promise<{ readonly trust: Trust; readonly close: () => Promise<void> }> {
  const { config, database, db, readDb, log, revocations } = deps
  await using opened = new AsyncDisposableStack()
  const outbound = makeOutbound(deps, REQUESTS)
  opened.defer(() => outbound.close())
  const trust = await createTrust({
    db,
    readDb,
    database,
    now: Date.now,
    issuer: config.issuer,
    operators,
    tokenStatus: revocations.tokenStatus,
    vault: keys.vault,
    challengeKeys: keys.challengeKeys,
    outbound,
    resolveTxt: createTxtResolvers({ servers: config.dnsServers, timeoutMs: config.dnsTimeoutMs }),
    testDomains: config.testDomains,
    settings: { skewS: config.clockSkew },
    federation: {
      ...keys,
      authorizationServer: JSON.parse(authorizationServerMetadata({ baseUrl: config.issuer })),
      superiors: config.federationSuperiors,
    },
    retentionMs: retentionMsOf(config),
    log,
  })
  opened.defer(() => trust.close())
  const all = opened.move()
  return { trust, close: () => all.disposeAsync() }
}

function makeStatusLists(
  { config, db, revocations, passedTime, metrics }: ServiceDeps,
  { signalSigners }: Keys,
  { chaining }: Trust,
): StatusLists {
  return createStatusLists({
    pool: db.pool,
    issuer: config.issuer,
    ttlS: config.statusListTtl,
    signers: signalSigners.statusList,
    checkHome: chaining.checkHome,
    head: () => revocations.store.head(),
    monotonic: () => performance.now(),
    passedTime,
    metrics: metrics.statusLists,
  })
}

/** Each part has an Outbound of its own, so that slow servers of one take no place from the requests of another. */
function makeOutbound({ config, metrics, tracing }: ServiceDeps, requests: BudgetRules): Outbound {
  return createOutbound({
    allow: config.outboundAllow,
    testDomains: config.testDomains,
    outcome: metrics.outbound,
    now: () => performance.now(),
    tracing,
    traceHosts: config.traceOutbound,
    requests,
  })
}

function makePeople(deps: ServiceDeps, { vault, challengeKeys }: Keys, operators: Operators): People {
  const { config, db, readDb, log, passedTime, metrics, deployment } = deps
  const { documents, userCodesOfUser, userCodesOfSource } = scaleWorkRates(config.rateFactorPercent / 100)
  return createPeople({
    countCheck: metrics.countProviderCheck,
    openRegistration: config.openRegistration,
    registrationKey: deriveHmacKey(importHmacKey(deployment.attestationKey), 'registered clients'),
    outbound: makeOutbound(deps, REQUESTS),
    clientOutbound: makeOutbound(deps, REQUESTS),
    limitDocuments: limitKeys('read', documents),
    limitUserCodes: {
      user: limitKeys('authorize', userCodesOfUser),
      source: limitKeys('authorize', userCodesOfSource),
    },
    monotonic: () => performance.now(),
    db,
    readDb,
    now: Date.now,
    issuer: config.issuer,
    testDomains: config.testDomains,
    passedTime,
    vault,
    challengeKeys,
    operators,
    log,
  })
}

function makeSignals(deps: ServiceDeps, keys: Keys): Signals {
  const { config, database, db, readDb, log, metrics } = deps
  return createSignals({
    outbound: makeOutbound(deps, PUSHES),
    metrics: metrics.push,
    db,
    readDb,
    database,
    now: Date.now,
    issuer: config.issuer,
    testDomains: config.testDomains,
    requestTimeoutMs: config.requestTimeoutMs,
    keys,
    log,
  })
}

/**
 * Returns a function that counts the client assertions with the token endpoint as their audience, and logs one of them
 * an hour, so that an administrator sees which clients still need the setting.
 */
function reportEndpointAudience({ log, metrics }: Pick<ServiceDeps, 'log' | 'metrics'>): (did: string) => void {
  let loggedAt = Number.NEGATIVE_INFINITY
  return (did) => {
    metrics.endpointAudience()
    if (performance.now() - loggedAt < LOG_ENDPOINT_AUDIENCE_MS) return
    loggedAt = performance.now()
    log.warn({ did }, 'a client assertion names the token endpoint as its audience, but should name the issuer')
  }
}

/**
 * Returns how long a key must be published until every copy of the JWKS contains it, in seconds: the longest age of a
 * verifier's copy, plus the longest age of a process's copy of the keys, plus 1 % for clocks that run at different
 * speeds, plus the clock skew.
 */
function publishS(config: Config): number {
  return (config.jwksMaxAge + keysMaxAgeMs(config) / 1000) * 1.01 + config.clockSkew
}
