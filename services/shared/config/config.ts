import { isIP, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { decodeBase64 } from '../crypto/base64.ts'
import { admitPublicKey } from '../crypto/ed25519.ts'
import { duration, flag, list, oneOf, type Parse, port, SettingError, text, wholeNumber } from './read-env.ts'

/** Every setting, from every variable that is set; validated before anything listens. */
export type Config = Readonly<ReturnType<typeof readValues>> & {
  readonly issuer: string
  /** True where names under `.test` are confirmed without DNS: embedded database, loopback listener and issuer. */
  readonly testDomains: boolean
}

/** All that is wrong with the environment, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(problems: readonly string[]) {
    super(`The configuration has ${problems.length} problem(s):\n${problems.map((line) => `  - ${line}`).join('\n')}`)
  }
}

/** Longest issuer, since it is also the audience of tokens that ask for none. */
const MAX_ISSUER = 255
const DEFAULT_PORT = 8080
const HOUR = 3600
const DAY = 24 * HOUR

/** Reads the environment. Throws ConfigError with every problem found. */
export function readConfig(env: Readonly<Record<string, string | undefined>>, defaultDataDir: string): Config {
  const problems: string[] = []
  const known = new Set<string>()
  const mistaken: string[] = []
  const value = <T>(name: string, parse: Parse<T>, fallback: T): T => {
    known.add(name)
    const given = env[name]
    if (given === undefined) return fallback
    try {
      // An empty variable is one that somebody forgot to fill in; a default would hide that.
      if (given === '') throw new SettingError('is set but empty')
      return parse(given)
    } catch (error) {
      if (!(error instanceof SettingError)) throw error
      mistaken.push(name)
      problems.push(`${name} ${error.message}`)
      return fallback
    }
  }
  const values = readValues(value, defaultDataDir)
  const config: Config = { ...values, issuer: values.baseUrl, testDomains: isTryOut(values) }
  for (const name of Object.keys(env)) {
    if (name.startsWith('AUTH4AGENT_') && !known.has(name)) problems.push(`${name} is not a setting of this server`)
  }
  // A conflict with a value that is wrong in itself would only be a second sentence about the same mistake.
  const isMistaken = (sentence: string) => mistaken.some((name) => sentence.includes(name))
  problems.push(...findConflicts(config).filter((sentence) => !isMistaken(sentence)))
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

type Value = <T>(name: string, parse: Parse<T>, fallback: T) => T

function readValues(value: Value, defaultDataDir: string) {
  const optional = <T>(name: string, parse: Parse<T>) => value<T | undefined>(name, parse, undefined)
  const httpPort = value('PORT', port, DEFAULT_PORT)
  return {
    baseUrl: value('AUTH4AGENT_BASE_URL', baseUrl, `http://localhost:${httpPort || DEFAULT_PORT}`),
    host: value('AUTH4AGENT_HOST', host, '127.0.0.1'),
    port: httpPort,
    grpcPort: value('AUTH4AGENT_GRPC_PORT', port, 8081),
    databaseUrl: optional('DATABASE_URL', databaseUrl),
    dataDir: value('AUTH4AGENT_DATA_DIR', (path) => resolve(path), defaultDataDir),
    kek: optional('AUTH4AGENT_KEK', secretKey),
    kekFile: optional('AUTH4AGENT_KEK_FILE', text),
    adminKey: optional('AUTH4AGENT_ADMIN_KEY', publicKey),
    dnsServers: value('AUTH4AGENT_DNS_SERVERS', list(hostAndPort), []),
    dnsTimeoutMs: value('AUTH4AGENT_DNS_TIMEOUT', duration(1, 30), 3) * 1000,
    tlsCertFile: optional('AUTH4AGENT_TLS_CERT_FILE', text),
    tlsKeyFile: optional('AUTH4AGENT_TLS_KEY_FILE', text),
    allowPlainHttp: value('AUTH4AGENT_ALLOW_PLAIN_HTTP', flag, false),
    trustedProxies: value('AUTH4AGENT_TRUSTED_PROXIES', list(addressRange), []),
    logLevel: value('AUTH4AGENT_LOG_LEVEL', oneOf('debug', 'info', 'warn', 'error', 'silent'), 'info'),
    challengeTtl: value('AUTH4AGENT_CHALLENGE_TTL', duration(30, 600), 300),
    tokenTtl: value('AUTH4AGENT_TOKEN_TTL', duration(30, HOUR), 900),
    maxTokenTtl: value('AUTH4AGENT_MAX_TOKEN_TTL', duration(30, HOUR), HOUR),
    clockSkew: value('AUTH4AGENT_CLOCK_SKEW', duration(0, 60), 10),
    takeoverDelay: value('AUTH4AGENT_TAKEOVER_DELAY', duration(0, 30 * DAY), DAY),
    proofInterval: value('AUTH4AGENT_PROOF_INTERVAL', duration(1, 30 * DAY), 6 * HOUR),
    proofFailures: value('AUTH4AGENT_PROOF_FAILURES', wholeNumber(1, 100), 3),
    pendingTtl: value('AUTH4AGENT_PENDING_TTL', duration(1, 90 * DAY), 7 * DAY),
    scheduleInterval: value('AUTH4AGENT_SCHEDULE_INTERVAL', duration(1, HOUR), 60),
    maxConcurrency: value('AUTH4AGENT_MAX_CONCURRENCY', wholeNumber(1, 100_000), 512),
    rateFactorPercent: value('AUTH4AGENT_RATE_LIMIT_PERCENT', wholeNumber(1, 1_000_000), 100),
    requestTimeoutMs: value('AUTH4AGENT_REQUEST_TIMEOUT', duration(1, 300), 10) * 1000,
    dbPoolSize: value('AUTH4AGENT_DB_POOL_SIZE', wholeNumber(1, 1000), 10),
  }
}

function findConflicts(config: Config): string[] {
  const { baseUrl, host: listener, databaseUrl, kek, kekFile, tlsCertFile, tlsKeyFile, tokenTtl, maxTokenTtl } = config
  const isPlain = tlsCertFile === undefined
  const rules: readonly (readonly [boolean, string])[] = [
    [
      databaseUrl !== undefined && kek === undefined && kekFile === undefined,
      'DATABASE_URL needs AUTH4AGENT_KEK or AUTH4AGENT_KEK_FILE: the key that the signing keys in the database are sealed under',
    ],
    [kek !== undefined && kekFile !== undefined, 'AUTH4AGENT_KEK and AUTH4AGENT_KEK_FILE exclude each other'],
    [
      (tlsCertFile === undefined) !== (tlsKeyFile === undefined),
      'AUTH4AGENT_TLS_CERT_FILE and AUTH4AGENT_TLS_KEY_FILE go together',
    ],
    [
      isPlain && !isLoopback(listener) && !config.allowPlainHttp,
      `AUTH4AGENT_HOST ${listener} is reachable from outside: set AUTH4AGENT_TLS_CERT_FILE and AUTH4AGENT_TLS_KEY_FILE, or AUTH4AGENT_ALLOW_PLAIN_HTTP=true behind a proxy that ends TLS`,
    ],
    [
      baseUrl.startsWith('http:') && !isLoopback(new URL(baseUrl).hostname),
      'AUTH4AGENT_BASE_URL must be https unless its host is loopback',
    ],
    [config.port !== 0 && config.port === config.grpcPort, 'PORT and AUTH4AGENT_GRPC_PORT must differ'],
    [tokenTtl > maxTokenTtl, 'AUTH4AGENT_TOKEN_TTL must not exceed AUTH4AGENT_MAX_TOKEN_TTL'],
  ]
  return rules.filter(([isBroken]) => isBroken).map(([, sentence]) => sentence)
}

/** Trying things out without DNS is for a server that nobody else can reach and whose data nobody else has. */
function isTryOut({ databaseUrl, host: listener, baseUrl, trustedProxies }: ReturnType<typeof readValues>): boolean {
  const isLocal = isLoopback(listener) && isLoopback(new URL(baseUrl).hostname) && trustedProxies.length === 0
  return databaseUrl === undefined && isLocal
}

function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

/** An issuer: an http or https origin, optionally with a path, never normalised, so it must be written canonically. */
const baseUrl: Parse<string> = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const isCanonical = url !== undefined && url.href.replace(/\/$/, '') === value && value.length <= MAX_ISSUER
  if (!isCanonical || !/^https?:$/.test(url.protocol) || !/^[^/]+\/\/[^/?#@]+(?:\/[A-Za-z0-9._~-]+)*$/.test(value)) {
    throw new SettingError(
      'must be an http or https URL in lower case, without trailing slash, query, user or anything that needs encoding',
    )
  }
  return value
}

const host: Parse<string> = (value) => {
  if (isIP(value) === 0 && value !== 'localhost') throw new SettingError('must be an IP address or localhost')
  return value
}

const databaseUrl: Parse<string> = (value) => {
  if (!URL.canParse(value) || !/^postgres(ql)?:\/\//.test(value)) {
    throw new SettingError('must be a postgresql:// URL')
  }
  return value
}

const secretKey: Parse<Uint8Array> = (value) => {
  const bytes = decodeBase64(value)
  if (bytes?.length !== 32) throw new SettingError('must be 32 bytes in base64; make one with: openssl rand -base64 32')
  return bytes
}

const publicKey: Parse<Uint8Array> = (value) => {
  const bytes = decodeBase64(value)
  if (bytes === undefined || !admitPublicKey(bytes).ok)
    throw new SettingError('must be a raw Ed25519 public key in base64')
  return bytes
}

const hostAndPort: Parse<string> = (value) => {
  const { address, portText } = splitPort(value)
  if (address === undefined || isIP(address) === 0)
    throw new SettingError('must be IP addresses with optional ports: 1.1.1.1, [2606:4700::1111]:53')
  const number = portText === undefined ? 53 : wholeNumber(1, 65_535)(portText)
  return isIPv6(address) ? `[${address}]:${number}` : `${address}:${number}`
}

function splitPort(value: string): { address?: string | undefined; portText?: string | undefined } {
  if (isIPv6(value)) return { address: value }
  const [, six, four, portText] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(value) ?? []
  return { address: six ?? four, portText }
}

const addressRange: Parse<string> = (value) => {
  const [address, bits, extra] = value.split('/')
  const max = isIP(address ?? '') === 6 ? 128 : 32
  if (address === undefined || isIP(address) === 0 || extra !== undefined)
    throw new SettingError('must be IP addresses or CIDR ranges')
  if (bits !== undefined) wholeNumber(0, max)(bits)
  return value
}
