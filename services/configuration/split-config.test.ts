import { describe, expect, it } from 'vitest'
import { type Config, ConfigError, readConfig } from './config.ts'
import type { ServiceName } from './service-names.ts'

type Env = Record<string, string | undefined>
const read = (env: Env, services?: readonly ServiceName[]): Config => readConfig(env, '/data', services)
const DATABASE = { DATABASE_URL: 'postgresql://u@db.example/a' }

/** Returns the problems of an environment, without their bullets. */
function problemsOf(env: Env, services?: readonly ServiceName[]): string[] {
  try {
    read(env, services)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [, ...lines] = error.message.split('\n')
    return lines.map((line) => line.slice('  - '.length))
  }
}

describe('readConfig, of one of several processes', () => {
  const OTHERS = {
    AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES: '127.0.0.1:1,[::1]:2',
    AUTH4AGENT_IDENTITY_ADDRESSES: 'localhost:1, unix:/run/identity.sock',
    AUTH4AGENT_AUTHN_ADDRESSES: '127.0.0.1:3',
    AUTH4AGENT_REVOCATION_ADDRESSES: '127.0.0.1:4',
  }
  const TLS = {
    AUTH4AGENT_INTERNAL_TLS_CERT_FILE: '/c',
    AUTH4AGENT_INTERNAL_TLS_KEY_FILE: '/k',
    AUTH4AGENT_INTERNAL_TLS_CA_FILE: '/a',
  }
  const apart = (services: readonly ServiceName[], env: Env): string[] => problemsOf(env, services)

  it.each<[ServiceName[], Env, string[]]>([
    [['operator-registry'], DATABASE, []],
    [['operator-registry'], {}, ['DATABASE_URL must be set']],
    [['identity'], DATABASE, ['AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES must be set']],
    [['revocation', 'operator-registry'], DATABASE, []],
    [
      ['authn'],
      DATABASE,
      [
        'AUTH4AGENT_KEK or AUTH4AGENT_KEK_FILE must be set',
        'AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES must be set to',
        'AUTH4AGENT_IDENTITY_ADDRESSES must be set to',
      ],
    ],
    [['jwks-gateway'], DATABASE, Object.keys(OTHERS).map((name) => `${name} must be set to the addresses of`)],
    [['jwks-gateway'], { ...DATABASE, ...OTHERS }, []],
    [
      ['identity'],
      { ...DATABASE, AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES: 'x' },
      ['AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES must be host:port'],
    ],
    [
      ['identity'],
      { ...DATABASE, AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES: 'registry:1' },
      ['AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES must contain only addresses of this machine'],
    ],
    [['identity'], { ...DATABASE, ...TLS, AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES: 'registry:1,10.0.0.1:2' }, []],
  ])('finds the problems of %j with %j', (services, env, expected) => {
    const problems = apart(services, env)
    expect(problems).toHaveLength(expected.length)
    for (const [index, beginning] of expected.entries()) expect(problems[index]).toMatch(new RegExp(`^${beginning}`))
  })

  it('accepts settings that only other processes use', () => {
    expect(read(OTHERS).services).toHaveLength(5)
    expect(problemsOf({ AUTH4AGENT_INTERNAL_PORT: '8080' })).toEqual([])
  })

  it.each<[string, Env, string | undefined]>([
    ['refuses two of three TLS files', { ...TLS, AUTH4AGENT_INTERNAL_TLS_CA_FILE: undefined }, 'must be set together'],
    ['refuses one TLS file', { AUTH4AGENT_INTERNAL_TLS_CA_FILE: '/a' }, 'must be set together'],
    ['accepts all TLS files', TLS, undefined],
    ['refuses a public internal listener without TLS', { AUTH4AGENT_INTERNAL_HOST: '0.0.0.0' }, 'must be loopback'],
    [
      'refuses a public internal listener without TLS, although the public ports may use plain http',
      { AUTH4AGENT_INTERNAL_HOST: '0.0.0.0', AUTH4AGENT_ALLOW_PLAIN_HTTP: 'true' },
      'must be loopback',
    ],
    ['accepts a public internal listener with TLS', { AUTH4AGENT_INTERNAL_HOST: '0.0.0.0', ...TLS }, undefined],
    [
      'refuses a socket together with a port',
      { AUTH4AGENT_INTERNAL_SOCKET: '/a', AUTH4AGENT_INTERNAL_PORT: '1' },
      'must not both be set',
    ],
    ['refuses a socket with two workers', { AUTH4AGENT_INTERNAL_SOCKET: '/a', AUTH4AGENT_WORKERS: '2' }, 'must be 1'],
    ['accepts a socket with one worker', { AUTH4AGENT_INTERNAL_SOCKET: '/a', AUTH4AGENT_WORKERS: '1' }, undefined],
    ['accepts a port with two workers', { AUTH4AGENT_INTERNAL_PORT: '1', AUTH4AGENT_WORKERS: '2' }, undefined],
    ['refuses one port for public HTTP and internal calls', { AUTH4AGENT_INTERNAL_PORT: '8080' }, 'must differ'],
    [
      'accepts the port of a gRPC listener that this process does not have',
      { AUTH4AGENT_INTERNAL_PORT: '8081' },
      undefined,
    ],
  ])('%s', (_name, env, problem) => {
    const problems = apart(['operator-registry'], { ...DATABASE, ...env })
    expect(problems).toHaveLength(problem === undefined ? 0 : 1)
    if (problem !== undefined) expect(problems[0]).toContain(problem)
  })

  it.each<[string, string, Partial<Config>]>([
    ['AUTH4AGENT_INTERNAL_PORT', '0', { internalPort: 0 }],
    ['AUTH4AGENT_INTERNAL_SOCKET', '/run/a.sock', { internalSocket: '/run/a.sock' }],
    ['AUTH4AGENT_DRAIN_DELAY', '1500ms', { drainDelayMs: 1500 }],
    ['AUTH4AGENT_DRAIN_DELAY', '1m', { drainDelayMs: 60_000 }],
    ['AUTH4AGENT_REVOCATION_LEASE', '250ms', { revocationLeaseMs: 250 }],
    ['AUTH4AGENT_REVOCATION_LEASE', '2s', { revocationLeaseMs: 2_000 }],
    ['NATS_URL', 'nats://a:4222, tls://[::1]:4223', { natsUrl: ['nats://a:4222', 'tls://[::1]:4223'] }],
  ])('accepts %s=%s', (name, value, expected) => {
    expect(read({ [name]: value })).toMatchObject(expected)
  })

  const bad: [string, string[]][] = [
    ['AUTH4AGENT_DRAIN_DELAY', ['61s', '60001ms', '-1s', '1.5', 'x', 'ms', ' 1s']],
    ['AUTH4AGENT_REVOCATION_LEASE', ['199ms', '31s', '0', 'x']],
    ['NATS_URL', ['http://a', 'a:4222', 'nats://', 'nats://a/b', 'nats://a,']],
    ['AUTH4AGENT_INTERNAL_HOST', ['registry', '*']],
    ['AUTH4AGENT_INTERNAL_PORT', ['-1', '65536']],
    ['AUTH4AGENT_INTERNAL_SOCKET', [`/${'a'.repeat(104)}`, '/a,b']],
    [
      'AUTH4AGENT_IDENTITY_ADDRESSES',
      ['a', 'a:0', 'a:65536', '::1', '::1:80', 'unix:a', 'unix:', 'a:1,', 'a_b:1', 'http://a:1', 'a:1/x'],
    ],
  ]
  it.each(bad.flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    'refuses %s=%j',
    (name, value) => {
      expect(problemsOf({ [name]: value })).toHaveLength(1)
      expect(problemsOf({ [name]: value })[0]).toMatch(new RegExp(`^${name} must be `))
    },
  )

  it('requires NATS_URL for other NATS settings, and the NATS certificate together with its key', () => {
    const url = { NATS_URL: 'nats://a' }
    expect(problemsOf({ AUTH4AGENT_NATS_CREDS_FILE: '/c' })[0]).toContain('NATS_URL must be set')
    expect(problemsOf({ ...url, AUTH4AGENT_NATS_CREDS_FILE: '/c', AUTH4AGENT_NATS_TLS_CA_FILE: '/a' })).toEqual([])
    expect(problemsOf({ ...url, AUTH4AGENT_NATS_TLS_CERT_FILE: '/c' })[0]).toContain('must be set together')
  })
})
