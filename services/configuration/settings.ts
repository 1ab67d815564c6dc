import { resolve } from 'node:path'
import type { DurabilityMode } from '../platform/db/durability.ts'
import { ANSWER_TIMEOUT_MS } from '../platform/db/timeouts.ts'
import {
  addressRange,
  baseUrl,
  databaseUrl,
  entityId,
  host,
  hostAndPort,
  natsServer,
  pathEntry,
  peerAddress,
  publicKey,
  secretKey,
  secretKeyEntry,
  socketPath,
  tokenLabel,
  workerCount,
} from './parse-settings.ts'
import {
  duration,
  durationMs,
  flag,
  list,
  oneOf,
  orOff,
  type Parse,
  port,
  text,
  type Value,
  wholeNumber,
} from './read-env.ts'
import { ADDRESSES, type ServiceName } from './service-names.ts'
import { readTraces } from './trace-settings.ts'

/** Every setting of a process. All of them are validated before the process listens. */
export type Config = Values & {
  /** The services that this process runs. */
  readonly services: readonly ServiceName[]
  readonly issuer: string
  /** Whether names under `.test` are confirmed without DNS: embedded database, listener and issuer on loopback. */
  readonly testDomains: boolean
}

/** The values of the variables, each checked on its own. */
export type Values = Readonly<ReturnType<typeof readValues>>

const DEFAULT_PORT = 8080
/** Text at a terminal, where a person reads the log. Otherwise JSON, for programs. */
const DEFAULT_LOG_FORMAT = process.stdout.isTTY ? 'text' : 'json'
const HOUR = 3600
const DAY = 24 * HOUR
const YEAR = 365 * DAY
/**
 * How long a server with DATABASE_URL still answers after a stop signal, in milliseconds. Only such a server can stand
 * beside others behind a balancer, which needs this time to notice.
 */
const DRAIN_MS = 2_000
/** The default lifetime of a token, in seconds. */
export const DEFAULT_TOKEN_TTL = 15 * 60

/** Reads every variable and checks each on its own. */
export function readValues(value: Value, defaultDataDir: string) {
  const optional = <T>(name: string, parse: Parse<T>) => value<T | undefined>(name, parse, undefined)
  const httpPort = value('PORT', port, DEFAULT_PORT)
  const database = optional('DATABASE_URL', databaseUrl)
  const requestTimeoutMs = value('AUTH4AGENT_REQUEST_TIMEOUT', duration(1, 300), 10) * 1000
  return {
    baseUrl: value('AUTH4AGENT_BASE_URL', baseUrl, `http://localhost:${httpPort || DEFAULT_PORT}`),
    host: value('AUTH4AGENT_HOST', host, '127.0.0.1'),
    port: httpPort,
    grpcPort: value('AUTH4AGENT_GRPC_PORT', port, 8081),
    databaseUrl: database,
    dataDir: value('AUTH4AGENT_DATA_DIR', (path) => resolve(path), defaultDataDir),
    ...readKeys(value),
    adminKey: optional('AUTH4AGENT_ADMIN_KEY', publicKey),
    dnsServers: value('AUTH4AGENT_DNS_SERVERS', list(hostAndPort), []),
    outboundAllow: value('AUTH4AGENT_OUTBOUND_ALLOW', list(addressRange), []),
    federationSuperiors: value('AUTH4AGENT_FEDERATION_SUPERIORS', list(entityId), []),
    dnsTimeoutMs: value('AUTH4AGENT_DNS_TIMEOUT', duration(1, 30), 3) * 1000,
    tlsCertFile: optional('AUTH4AGENT_TLS_CERT_FILE', text),
    tlsKeyFile: optional('AUTH4AGENT_TLS_KEY_FILE', text),
    allowPlainHttp: value('AUTH4AGENT_ALLOW_PLAIN_HTTP', flag, false),
    trustedProxies: value('AUTH4AGENT_TRUSTED_PROXIES', list(addressRange), []),
    logLevel: value('AUTH4AGENT_LOG_LEVEL', oneOf('debug', 'info', 'warn', 'error', 'silent'), 'info'),
    logFormat: value('AUTH4AGENT_LOG_FORMAT', oneOf('json', 'text'), DEFAULT_LOG_FORMAT),
    challengeTtl: value('AUTH4AGENT_CHALLENGE_TTL', duration(30, 600), 300),
    tokenTtl: value('AUTH4AGENT_TOKEN_TTL', duration(30, HOUR), DEFAULT_TOKEN_TTL),
    maxTokenTtl: value('AUTH4AGENT_MAX_TOKEN_TTL', duration(30, HOUR), HOUR),
    openRegistration: value('AUTH4AGENT_OPEN_REGISTRATION', oneOf('on', 'off'), 'off') === 'on',
    assertionAudience: value('AUTH4AGENT_ASSERTION_AUDIENCE', oneOf('issuer', 'issuer-or-endpoint'), 'issuer'),
    statusListTtl: value('AUTH4AGENT_STATUS_LIST_TTL', duration(10, HOUR), 60),
    clockSkew: value('AUTH4AGENT_CLOCK_SKEW', duration(0, 60), 10),
    takeoverDelay: value('AUTH4AGENT_TAKEOVER_DELAY', duration(0, 30 * DAY), DAY),
    recoveryDelay: value('AUTH4AGENT_RECOVERY_DELAY', duration(0, 30 * DAY), DAY),
    moveDelay: value('AUTH4AGENT_MOVE_DELAY', duration(0, 90 * DAY), 7 * DAY),
    proofInterval: value('AUTH4AGENT_PROOF_INTERVAL', duration(1, 30 * DAY), 6 * HOUR),
    proofFailures: value('AUTH4AGENT_PROOF_FAILURES', wholeNumber(1, 100), 3),
    pendingTtl: value('AUTH4AGENT_PENDING_TTL', duration(1, 90 * DAY), 7 * DAY),
    scheduleInterval: value('AUTH4AGENT_SCHEDULE_INTERVAL', duration(1, HOUR), 60),
    maxConcurrency: value('AUTH4AGENT_MAX_CONCURRENCY', wholeNumber(1, 100_000), 512),
    maxConnections: value('AUTH4AGENT_MAX_CONNECTIONS', wholeNumber(1, 1_000_000), 4096),
    maxSourceConnections: value('AUTH4AGENT_MAX_SOURCE_CONNECTIONS', wholeNumber(1, 1_000_000), 256),
    rateFactorPercent: value('AUTH4AGENT_RATE_LIMIT_PERCENT', wholeNumber(1, 1_000_000), 100),
    operatorDailyMib: value('AUTH4AGENT_OPERATOR_DAILY_MIB', wholeNumber(1, 1_000_000), 256),
    maxAgents: value('AUTH4AGENT_MAX_AGENTS', wholeNumber(1, 100_000_000), 100_000),
    auditRetention: value<number | undefined>(
      'AUTH4AGENT_AUDIT_RETENTION',
      orOff(duration(31 * DAY, 100 * YEAR)),
      400 * DAY,
    ),
    requestTimeoutMs,
    drainDelayMs: value('AUTH4AGENT_DRAIN_DELAY', durationMs(0, 60_000), database === undefined ? 0 : DRAIN_MS),
    ...readInternal(value),
    ...readBus(value, requestTimeoutMs),
    ...readTraces(value),
    workers: value('AUTH4AGENT_WORKERS', workerCount, 1),
    dbPoolSize: value('AUTH4AGENT_DB_POOL_SIZE', wholeNumber(1, 1000), 10),
    durability: value<DurabilityMode>(
      'AUTH4AGENT_DURABILITY',
      oneOf('quorum', 'storage', 'single'),
      database === undefined ? 'single' : 'unknown',
    ),
    dbTimeoutMs: value('AUTH4AGENT_DB_TIMEOUT', durationMs(500, 60_000), ANSWER_TIMEOUT_MS),
  }
}

/** Reads the settings of signing keys: rotation, KEKs and hardware token. */
function readKeys(value: Value) {
  const optional = <T>(name: string, parse: Parse<T>) => value<T | undefined>(name, parse, undefined)
  return {
    kek: optional('AUTH4AGENT_KEK', secretKey),
    kekFile: optional('AUTH4AGENT_KEK_FILE', text),
    otherKeks: value('AUTH4AGENT_OTHER_KEKS', list(secretKeyEntry), []),
    otherKekFiles: value('AUTH4AGENT_OTHER_KEK_FILES', list(pathEntry), []),
    keyRotationInterval: value('AUTH4AGENT_KEY_ROTATION_INTERVAL', duration(1, 10 * YEAR), 30 * DAY),
    jwksMaxAge: value('AUTH4AGENT_JWKS_MAX_AGE', duration(1, DAY), 300),
    signingKeyFile: optional('AUTH4AGENT_SIGNING_KEY_FILE', text),
    pkcs11Module: optional('AUTH4AGENT_PKCS11_MODULE', text),
    pkcs11Token: optional('AUTH4AGENT_PKCS11_TOKEN', tokenLabel),
    pkcs11Pin: optional('AUTH4AGENT_PKCS11_PIN', text),
    pkcs11PinFile: optional('AUTH4AGENT_PKCS11_PIN_FILE', text),
  }
}

/** Reads the settings of the connections between processes of a deployment. */
function readInternal(value: Value) {
  const optional = <T>(name: string, parse: Parse<T>) => value<T | undefined>(name, parse, undefined)
  return {
    internalHost: value('AUTH4AGENT_INTERNAL_HOST', host, '127.0.0.1'),
    internalPort: optional('AUTH4AGENT_INTERNAL_PORT', port),
    internalSocket: optional('AUTH4AGENT_INTERNAL_SOCKET', socketPath),
    internalTls: {
      cert: optional('AUTH4AGENT_INTERNAL_TLS_CERT_FILE', text),
      key: optional('AUTH4AGENT_INTERNAL_TLS_KEY_FILE', text),
      ca: optional('AUTH4AGENT_INTERNAL_TLS_CA_FILE', text),
    },
    addresses: {
      'operator-registry': optional(ADDRESSES['operator-registry'], list(peerAddress)),
      identity: optional(ADDRESSES.identity, list(peerAddress)),
      authn: optional(ADDRESSES.authn, list(peerAddress)),
      revocation: optional(ADDRESSES.revocation, list(peerAddress)),
    },
  }
}

/** Reads the settings of the bus and of revocation. */
function readBus(value: Value, requestTimeoutMs: number) {
  const optional = <T>(name: string, parse: Parse<T>) => value<T | undefined>(name, parse, undefined)
  return {
    natsUrl: value('NATS_URL', list(natsServer), []),
    natsCredsFile: optional('AUTH4AGENT_NATS_CREDS_FILE', text),
    natsTlsCaFile: optional('AUTH4AGENT_NATS_TLS_CA_FILE', text),
    natsTlsCertFile: optional('AUTH4AGENT_NATS_TLS_CERT_FILE', text),
    natsTlsKeyFile: optional('AUTH4AGENT_NATS_TLS_KEY_FILE', text),
    revocationLeaseMs: value<number | undefined>(
      'AUTH4AGENT_REVOCATION_LEASE',
      orOff(durationMs(200, 30_000)),
      Math.min(2_000, requestTimeoutMs / 2),
    ),
  }
}
