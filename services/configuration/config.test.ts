import { availableParallelism } from 'node:os'
import { encodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { type Config, ConfigError, readConfig } from './config.ts'

type Env = Record<string, string | undefined>
const read = (env: Env): Config => readConfig(env, '/data')
const KEK = encodeBase64(new Uint8Array(32).fill(1))
const DATABASE = { DATABASE_URL: 'postgresql://u@db.example/a', AUTH4AGENT_KEK: KEK }
const key = generateKeyPair().publicKey

/** Returns the problems of an environment, without their bullets. */
function problemsOf(env: Env): string[] {
  try {
    read(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.slice('  - '.length))
  }
}

describe('readConfig', () => {
  it('returns the defaults of an empty environment', () => {
    expect(read({})).toMatchObject({
      issuer: 'http://localhost:8080',
      baseUrl: 'http://localhost:8080',
      host: '127.0.0.1',
      port: 8080,
      grpcPort: 8081,
      dataDir: '/data',
      databaseUrl: undefined,
      challengeTtl: 300,
      tokenTtl: 900,
      maxTokenTtl: 3600,
      clockSkew: 10,
      statusListTtl: 60,
      openRegistration: false,
      takeoverDelay: 86_400,
      recoveryDelay: 86_400,
      moveDelay: 604_800,
      pendingTtl: 7 * 86_400,
      requestTimeoutMs: 10_000,
      dbTimeoutMs: 1_700,
      durability: 'single',
      workers: 1,
      dnsServers: [],
      outboundAllow: [],
      testDomains: true,
    })
  })

  it.each(['PORT', 'DATABASE_URL', 'AUTH4AGENT_KEK'])('refuses an empty %s', (name) => {
    expect(problemsOf({ [name]: '' })).toEqual([`${name} must not be empty; unset it to use the default`])
  })

  it('reports a wrong value once, without its conflicts with other settings', () => {
    expect(problemsOf({ ...DATABASE, AUTH4AGENT_KEK: 'short' })).toEqual([
      'AUTH4AGENT_KEK must be 32 bytes in base64; make one with: openssl rand -base64 32',
    ])
  })

  const good: [string, string, Partial<Config>][] = [
    ['AUTH4AGENT_BASE_URL', 'https://auth.example/a/b', { issuer: 'https://auth.example/a/b' }],
    ['AUTH4AGENT_BASE_URL', 'http://127.0.0.1:9000', { issuer: 'http://127.0.0.1:9000' }],
    ['AUTH4AGENT_BASE_URL', 'http://[::1]:9000', { issuer: 'http://[::1]:9000' }],
    ['AUTH4AGENT_HOST', '::1', { host: '::1' }],
    ['AUTH4AGENT_HOST', 'localhost', { host: 'localhost' }],
    ['PORT', '0', { port: 0, issuer: 'http://localhost:8080' }],
    ['PORT', '9000', { port: 9000, issuer: 'http://localhost:9000' }],
    ['PORT', '65535', { port: 65_535 }],
    ['AUTH4AGENT_ADMIN_KEY', encodeBase64(key), { adminKey: Buffer.from(key) }],
    ['AUTH4AGENT_ADMIN_KEY', encodeBase64url(key), { adminKey: Buffer.from(key) }],
    ['AUTH4AGENT_DNS_SERVERS', '1.1.1.1, 9.9.9.9:5353', { dnsServers: ['1.1.1.1:53', '9.9.9.9:5353'] }],
    ['AUTH4AGENT_DNS_SERVERS', '2606:4700::1111,[::1]:5353', { dnsServers: ['[2606:4700::1111]:53', '[::1]:5353'] }],
    ['AUTH4AGENT_DNS_TIMEOUT', '2s', { dnsTimeoutMs: 2000 }],
    ['AUTH4AGENT_TRUSTED_PROXIES', '10.0.0.0/8,::1', { trustedProxies: ['10.0.0.0/8', '::1'] }],
    ['AUTH4AGENT_OUTBOUND_ALLOW', '10.0.0.0/8, fd00::/8,::1', { outboundAllow: ['10.0.0.0/8', 'fd00::/8', '::1'] }],
    [
      'AUTH4AGENT_FEDERATION_SUPERIORS',
      'https://edu.example, https://beta.io/federation',
      { federationSuperiors: ['https://edu.example', 'https://beta.io/federation'] },
    ],
    ['AUTH4AGENT_LOG_LEVEL', 'debug', { logLevel: 'debug' }],
    ['AUTH4AGENT_LOG_FORMAT', 'text', { logFormat: 'text' }],
    ['AUTH4AGENT_CHALLENGE_TTL', '30s', { challengeTtl: 30 }],
    ['AUTH4AGENT_OPEN_REGISTRATION', 'on', { openRegistration: true }],
    ['AUTH4AGENT_OPEN_REGISTRATION', 'off', { openRegistration: false }],
    ['AUTH4AGENT_STATUS_LIST_TTL', '10s', { statusListTtl: 10 }],
    ['AUTH4AGENT_STATUS_LIST_TTL', '1h', { statusListTtl: 3_600 }],
    ['AUTH4AGENT_CLOCK_SKEW', '1m', { clockSkew: 60 }],
    ['AUTH4AGENT_CLOCK_SKEW', '0', { clockSkew: 0 }],
    ['AUTH4AGENT_REQUEST_TIMEOUT', '5m', { requestTimeoutMs: 300_000 }],
    ['AUTH4AGENT_DB_TIMEOUT', '1m', { dbTimeoutMs: 60_000 }],
    ['AUTH4AGENT_DURABILITY', 'single', { durability: 'single' }],
    ['AUTH4AGENT_WORKERS', '1', { workers: 1 }],
    ['AUTH4AGENT_WORKERS', '64', { workers: 64 }],
    ['AUTH4AGENT_WORKERS', 'auto', { workers: Math.min(availableParallelism(), 64) }],
  ]
  it.each(good)('accepts %s=%s', (name, value, expected) => {
    expect(read({ [name]: value })).toMatchObject(expected)
  })

  it.each([
    'postgres://u:a,b@db:5432/a?x=1,2',
    'postgresql:///a?host=/run/pg',
    'postgresql://u:p@a:5432,b,c:5433/db?target_session_attrs=read-write',
  ])('accepts DATABASE_URL=%s', (url) => {
    expect(read({ DATABASE_URL: url, AUTH4AGENT_KEK_FILE: '/kek' })).toMatchObject({ databaseUrl: url })
  })

  const bad: [string, string[]][] = [
    [
      'AUTH4AGENT_BASE_URL',
      [
        'auth.example',
        'ftp://auth.example',
        'https://auth.example/',
        'https://auth.example./a',
        'https://auth.example/a\n',
        'https:///auth.example/a',
        'https://auth.example/a/',
        'https://AUTH.example',
        'HTTPS://auth.example',
        'https://auth.example:443',
        'https://auth.example?',
        'https://auth.example/a?',
        'https://auth.example/a#',
        'https://auth.example?a',
        'https://auth.example#a',
        'https://user@auth.example',
        'https://:pw@auth.example/a',
        'https://auth.example/a/../b',
        'https://auth.example//a',
        'https://auth.example/a b',
        'https://auth.example/%61',
        'https://auth.example/:a',
        'https://bücher.example',
        'https://127.1',
        ' https://auth.example',
        'https://auth.example\n',
        `https://auth.example/${'a'.repeat(255)}`,
      ],
    ],
    ['AUTH4AGENT_HOST', ['example.com', '127.0.0.1:80', '127.1', '[::1]', 'LOCALHOST', '*']],
    ['PORT', ['-1', '65536', '8080.0', '0x50', '80a', ' 80', '1e3', 'NaN', '99999999999999']],
    ['AUTH4AGENT_GRPC_PORT', ['-1', '65536', 'x']],
    [
      'DATABASE_URL',
      ['db', 'mysql://db/a', 'postgresql:a', 'http://db', '//db', 'postgres://db/a?target_session_attrs=any'],
    ],
    [
      'DATABASE_URL',
      ['postgres://u:p@a:5432,a/db', 'postgresql://a,/db', 'postgres:///db?host=a,b', 'postgresql://a%2Cb/db'],
    ],
    ['AUTH4AGENT_KEK', ['x', KEK.slice(4), `${KEK}AAAA`, encodeBase64(new Uint8Array(31)), `${KEK}\n`, 'A'.repeat(44)]],
    [
      'AUTH4AGENT_ADMIN_KEY',
      ['x', encodeBase64(new Uint8Array(32)), encodeBase64(new Uint8Array(32).fill(255)), encodeBase64(key.slice(1))],
    ],
    [
      'AUTH4AGENT_DNS_SERVERS',
      ['dns.example', '1.1.1.1,', ',', '1.1.1.1:', '1.1.1.1:0', '1.1.1.1:65536', '1.1.1', '[::1', '1.1.1.1 9.9.9.9'],
    ],
    ['AUTH4AGENT_DNS_TIMEOUT', ['0', '31s', '-1s', '500ms', 'x']],
    ['AUTH4AGENT_ALLOW_PLAIN_HTTP', ['1', 'yes', 'TRUE', 'false ']],
    [
      'AUTH4AGENT_TRUSTED_PROXIES',
      ['proxy.example', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '/8', '10.0.0.1,'],
    ],
    [
      'AUTH4AGENT_OUTBOUND_ALLOW',
      ['auth.internal', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.1', '*', '10.0.0.1:443', '[::1]', '10.0.0.1,'],
    ],
    [
      'AUTH4AGENT_FEDERATION_SUPERIORS',
      ['edu.example', 'http://edu.example', 'https://EDU.example', 'https://a.io/?b'],
    ],
    ['AUTH4AGENT_LOG_LEVEL', ['trace', 'INFO', '30']],
    ['AUTH4AGENT_LOG_FORMAT', ['pretty', 'JSON', 'true']],
    ['AUTH4AGENT_CHALLENGE_TTL', ['29s', '601s', '11m', '1.5s', '-5m']],
    ['AUTH4AGENT_TOKEN_TTL', ['29s', '3601', '2h']],
    ['AUTH4AGENT_MAX_TOKEN_TTL', ['29s', '3601']],
    ['AUTH4AGENT_CLOCK_SKEW', ['61s', '-1']],
    ['AUTH4AGENT_TAKEOVER_DELAY', ['721h', 'x']],
    ['AUTH4AGENT_RECOVERY_DELAY', ['721h', 'x']],
    ['AUTH4AGENT_MOVE_DELAY', ['2161h', 'x']],
    ['AUTH4AGENT_PROOF_INTERVAL', ['0', '721h']],
    ['AUTH4AGENT_PROOF_FAILURES', ['0', '101', '1.5']],
    ['AUTH4AGENT_PENDING_TTL', ['0', '2161h']],
    ['AUTH4AGENT_SCHEDULE_INTERVAL', ['0', '61m']],
    ['AUTH4AGENT_MAX_CONNECTIONS', ['0', '1000001', 'many']],
    ['AUTH4AGENT_MAX_SOURCE_CONNECTIONS', ['0', '1000001', 'many']],
    ['AUTH4AGENT_MAX_CONCURRENCY', ['0', '100001', 'many']],
    ['AUTH4AGENT_RATE_LIMIT_PERCENT', ['0', '1000001', '100%']],
    ['AUTH4AGENT_REQUEST_TIMEOUT', ['0', '301s']],
    ['AUTH4AGENT_DB_TIMEOUT', ['0', '499ms', '61s']],
    ['AUTH4AGENT_OPEN_REGISTRATION', ['true', 'ON', '1', 'yes']],
    ['AUTH4AGENT_DURABILITY', ['unknown', 'QUORUM', 'on']],
    ['AUTH4AGENT_DB_POOL_SIZE', ['0', '1001']],
    ['AUTH4AGENT_WORKERS', ['0', '65', '-1', '1.5', '002', ' 2', 'AUTO', 'off']],
  ]
  const cases = bad.flatMap(([name, values]) => values.map((value) => [name, value] as const))
  it.each(cases)('refuses %s=%j by name, without repeating the value', (name, value) => {
    const problems = problemsOf({ AUTH4AGENT_KEK_FILE: name === 'DATABASE_URL' ? '/kek' : undefined, [name]: value })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${name} must `))
    if (value.length > 12) expect(problems[0]).not.toContain(value)
  })

  it('refuses unknown variables with the prefix AUTH4AGENT_, even empty ones, and ignores other variables', () => {
    const env = { AUTH4AGENT_TOKEN_TLL: '5m', AUTH4AGENT_: '', HOME: '/root', auth4agent_x: '1', AUTH4AGENTX: '1' }
    expect(problemsOf(env)).toEqual([
      'AUTH4AGENT_TOKEN_TLL is not a known setting: the nearest known one is AUTH4AGENT_TOKEN_TTL',
      'AUTH4AGENT_ is not a known setting',
    ])
  })

  it.each([
    ['TOKENTTL', 'AUTH4AGENT_TOKEN_TTL'],
    ['DRAIN', 'AUTH4AGENT_DRAIN_DELAY'],
    ['PROXIES', 'AUTH4AGENT_TRUSTED_PROXIES'],
    ['PORT', 'PORT'],
    ['DATABASE_URL', 'DATABASE_URL'],
  ])('names the nearest setting for the unknown AUTH4AGENT_%s', (name, meant) => {
    const sentence = `AUTH4AGENT_${name} is not a known setting: the nearest known one is ${meant}`
    expect(problemsOf({ [`AUTH4AGENT_${name}`]: 'x' })).toEqual([sentence])
  })

  it.each([
    ['AUTH4AGENT_TOKEN_TTL', '2h', 'a duration from 30s to 1h, such as 90s, 15m or 24h'],
    ['AUTH4AGENT_PROOF_INTERVAL', '0', 'a duration from 1s to 720h, such as 90s, 15m or 24h'],
    ['AUTH4AGENT_CLOCK_SKEW', '61s', 'a duration from 0s to 1m, such as 90s, 15m or 24h'],
    ['AUTH4AGENT_DRAIN_DELAY', '61s', 'a duration from 0s to 1m, such as 250ms, 2s or 1m'],
    [
      'AUTH4AGENT_KEY_ROTATION_INTERVAL',
      '720',
      'a duration from 1s to 87600h, such as 90s, 15m or 24h; 720 has no unit',
    ],
    ['AUTH4AGENT_DRAIN_DELAY', '2', 'a duration from 0s to 1m, such as 250ms, 2s or 1m; 2 has no unit'],
    ['AUTH4AGENT_REVOCATION_LEASE', '1ms', 'a duration from 200ms to 30s, such as 250ms, 2s or 1m, or off'],
    [
      'AUTH4AGENT_TRUSTED_PROXIES',
      '10.0.0.0/40',
      'IP addresses or CIDR ranges, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32',
    ],
    ['AUTH4AGENT_DNS_SERVERS', '1.1.1.1:65536', 'IP addresses with optional ports: 1.1.1.1, [2606:4700::1111]:53'],
    ['AUTH4AGENT_AUTHN_ADDRESSES', 'authn:0', 'host:port or unix:/path, separated by commas'],
  ])('says what would be right for %s=%s', (name, value, right) => {
    expect(problemsOf({ [name]: value })).toEqual([`${name} must be ${right}`])
  })

  it('lets only a server with DATABASE_URL drain by default, because only such a server can have a balancer', () => {
    const env = { DATABASE_URL: 'postgresql://u@db.example/a', AUTH4AGENT_KEK: Buffer.alloc(32, 1).toString('base64') }
    expect(readConfig(env, '/data').drainDelayMs).toBe(2_000)
    expect(readConfig({}, '/data').drainDelayMs).toBe(0)
    expect(readConfig({ ...env, AUTH4AGENT_DRAIN_DELAY: '0' }, '/data').drainDelayMs).toBe(0)
  })

  it('ignores the settings of the command line tool', () => {
    expect(problemsOf({ AUTH4AGENT_HOME: '/x', AUTH4AGENT_CONTEXT: 'staging', AUTH4AGENT_TOKEN: 'x.y.z' })).toEqual([])
  })

  it('reports all problems at once', () => {
    const env = { PORT: 'x', AUTH4AGENT_HOST: 'y', AUTH4AGENT_NONE: 'z', AUTH4AGENT_TLS_CERT_FILE: '/cert' }
    expect(problemsOf(env).map((line) => line.split(' ')[0])).toEqual([
      'PORT',
      'AUTH4AGENT_HOST',
      'AUTH4AGENT_NONE',
      'AUTH4AGENT_TLS_CERT_FILE',
    ])
    expect(() => read({ PORT: 'x' })).toThrow('The configuration has 1 problem:\n  - PORT must be')
    expect(() => read(env)).toThrow('The configuration has 4 problems:\n  - PORT must be')
  })
})

describe('findConflicts', () => {
  const TLS = { AUTH4AGENT_TLS_CERT_FILE: '/cert', AUTH4AGENT_TLS_KEY_FILE: '/key' }
  const rows: [string, Env, string | undefined][] = [
    ['refuses DATABASE_URL without a KEK', { DATABASE_URL: DATABASE.DATABASE_URL }, 'AUTH4AGENT_KEK_FILE must be set'],
    ['accepts DATABASE_URL with a KEK', DATABASE, undefined],
    [
      'accepts DATABASE_URL with a KEK in a file',
      { DATABASE_URL: DATABASE.DATABASE_URL, AUTH4AGENT_KEK_FILE: '/kek' },
      undefined,
    ],
    [
      'refuses AUTH4AGENT_KEK beside AUTH4AGENT_KEK_FILE',
      { AUTH4AGENT_KEK: KEK, AUTH4AGENT_KEK_FILE: '/kek' },
      'must not both be set',
    ],
    ['refuses quorum without DATABASE_URL', { AUTH4AGENT_DURABILITY: 'quorum' }, 'AUTH4AGENT_DURABILITY=quorum needs'],
    ['accepts single without DATABASE_URL', { AUTH4AGENT_DURABILITY: 'single' }, undefined],
    ['accepts quorum with DATABASE_URL', { ...DATABASE, AUTH4AGENT_DURABILITY: 'quorum' }, undefined],
    ['refuses a certificate without its key', { AUTH4AGENT_TLS_CERT_FILE: '/cert' }, 'must be set together'],
    ['refuses a key without its certificate', { AUTH4AGENT_TLS_KEY_FILE: '/key' }, 'must be set together'],
    ['accepts a certificate with its key', TLS, undefined],
    ['refuses plain http on 0.0.0.0', { AUTH4AGENT_HOST: '0.0.0.0' }, 'must be loopback, not 0.0.0.0'],
    ['refuses plain http on ::', { AUTH4AGENT_HOST: '::' }, 'must be loopback, not ::'],
    [
      'accepts plain http on 0.0.0.0 with AUTH4AGENT_ALLOW_PLAIN_HTTP',
      { AUTH4AGENT_HOST: '0.0.0.0', AUTH4AGENT_ALLOW_PLAIN_HTTP: 'true' },
      undefined,
    ],
    ['accepts TLS on 0.0.0.0', { AUTH4AGENT_HOST: '0.0.0.0', ...TLS }, undefined],
    ['refuses an http issuer that is not loopback', { AUTH4AGENT_BASE_URL: 'http://auth.example' }, 'must be https'],
    [
      'refuses an http issuer under a name that begins with localhost',
      { AUTH4AGENT_BASE_URL: 'http://localhost.example' },
      'must be https',
    ],
    [
      'refuses an http issuer under a name that begins with 127',
      { AUTH4AGENT_BASE_URL: 'http://127.0.0.1.example' },
      'must be https',
    ],
    [
      'refuses an http issuer that is not loopback, even with AUTH4AGENT_ALLOW_PLAIN_HTTP',
      { AUTH4AGENT_BASE_URL: 'http://auth.example', AUTH4AGENT_ALLOW_PLAIN_HTTP: 'true' },
      'must be https',
    ],
    ['refuses one port for HTTP and gRPC', { PORT: '8081' }, 'must differ'],
    ['accepts port 0 for HTTP and gRPC', { PORT: '0', AUTH4AGENT_GRPC_PORT: '0' }, undefined],
    [
      'refuses a default token lifetime above the maximum',
      { AUTH4AGENT_TOKEN_TTL: '10m', AUTH4AGENT_MAX_TOKEN_TTL: '5m' },
      'AUTH4AGENT_TOKEN_TTL must not exceed',
    ],
    [
      'refuses a maximum token lifetime below the default of AUTH4AGENT_TOKEN_TTL, and says to set that too',
      { AUTH4AGENT_MAX_TOKEN_TTL: '10m' },
      'AUTH4AGENT_MAX_TOKEN_TTL is shorter than 15m, the default of AUTH4AGENT_TOKEN_TTL: set AUTH4AGENT_TOKEN_TTL too',
    ],
    [
      'accepts a default token lifetime at the maximum',
      { AUTH4AGENT_TOKEN_TTL: '5m', AUTH4AGENT_MAX_TOKEN_TTL: '5m' },
      undefined,
    ],
  ]
  it.each(rows)('%s', (_name, env, problem) => {
    const problems = problemsOf(env)
    expect(problems).toHaveLength(problem === undefined ? 0 : 1)
    if (problem !== undefined) expect(problems[0]).toContain(problem)
  })
})

describe('testDomains', () => {
  it.each<[string, Env, boolean]>([
    ['the default settings', {}, true],
    ['another loopback address', { AUTH4AGENT_HOST: '::1', AUTH4AGENT_BASE_URL: 'http://[::1]:8080' }, true],
    ['DATABASE_URL', DATABASE, false],
    ['a public listener', { AUTH4AGENT_HOST: '0.0.0.0', AUTH4AGENT_ALLOW_PLAIN_HTTP: 'true' }, false],
    ['a proxy in front', { AUTH4AGENT_TRUSTED_PROXIES: '127.0.0.1' }, false],
    ['an issuer that is not loopback', { AUTH4AGENT_BASE_URL: 'https://auth.example' }, false],
  ])('with %s is %s', (_name, env, expected) => {
    expect(read(env).testDomains).toBe(expected)
  })
})
