import { describe, expect, it } from 'vitest'
import { type Config, ConfigError, readConfig } from './config.ts'
import type { ServiceName } from './service-names.ts'

type Env = Record<string, string | undefined>
const read = (env: Env, services?: readonly ServiceName[]): Config => readConfig(env, '/data', services)
const DATABASE = { DATABASE_URL: 'postgresql://u@db.example/a' }

/** The problems that an environment has, without their bullets. */
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

describe('services apart', () => {
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
    [['operator-registry'], {}, ['DATABASE_URL is needed']],
    [['identity'], DATABASE, ['AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES is needed by identity']],
    [['revocation', 'operator-registry'], DATABASE, []],
    [
      ['authn'],
      DATABASE,
      [
        'DATABASE_URL needs AUTH4AGENT_KEK',
        'AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES is needed by authn',
        'AUTH4AGENT_IDENTITY_ADDRESSES is needed by authn',
      ],
    ],
    [['jwks-gateway'], DATABASE, Object.keys(OTHERS).map((name) => `${name} is needed by jwks-gateway`)],
    [['jwks-gateway'], { ...DATABASE, ...OTHERS }, []],
    [
      ['identity'],
      { ...DATABASE, AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES: 'x' },
      ['AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES must be'],
    ],
    [
      ['identity'],
      { ...DATABASE, AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES: 'registry:1' },
      ['AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES names another machine'],
    ],
    [['identity'], { ...DATABASE, ...TLS, AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES: 'registry:1,10.0.0.1:2' }, []],
  ])('%j with %j', (services, env, expected) => {
    const problems = apart(services, env)
    expect(problems).toHaveLength(expected.length)
    for (const [index, beginning] of expected.entries()) expect(problems[index]).toMatch(new RegExp(`^${beginning}`))
  })

  it('do not need what only others use', () => {
    expect(read(OTHERS).services).toHaveLength(5)
    expect(problemsOf({ AUTH4AGENT_INTERNAL_PORT: '8080' })).toEqual([])
  })

  it.each<[string, Env, string | undefined]>([
    ['two of three TLS files', { ...TLS, AUTH4AGENT_INTERNAL_TLS_CA_FILE: undefined }, 'go together'],
    ['one TLS file', { AUTH4AGENT_INTERNAL_TLS_CA_FILE: '/a' }, 'go together'],
    ['all TLS files', TLS, undefined],
    ['a listener for everybody in the clear', { AUTH4AGENT_INTERNAL_HOST: '0.0.0.0' }, 'is reachable from outside'],
    [
      'the same by permission for the public one',
      { AUTH4AGENT_INTERNAL_HOST: '0.0.0.0', AUTH4AGENT_ALLOW_PLAIN_HTTP: 'true' },
      'is reachable from outside',
    ],
    ['a listener for everybody with TLS', { AUTH4AGENT_INTERNAL_HOST: '0.0.0.0', ...TLS }, undefined],
    ['a socket and a port', { AUTH4AGENT_INTERNAL_SOCKET: '/a', AUTH4AGENT_INTERNAL_PORT: '1' }, 'exclude each other'],
    ['a socket of two workers', { AUTH4AGENT_INTERNAL_SOCKET: '/a', AUTH4AGENT_WORKERS: '2' }, 'takes one worker'],
    ['a socket of one', { AUTH4AGENT_INTERNAL_SOCKET: '/a', AUTH4AGENT_WORKERS: '1' }, undefined],
    ['two workers on a port', { AUTH4AGENT_INTERNAL_PORT: '1', AUTH4AGENT_WORKERS: '2' }, undefined],
    ['one port for two', { AUTH4AGENT_INTERNAL_PORT: '8080' }, 'must differ'],
    ['the port of a gRPC listener that is not here', { AUTH4AGENT_INTERNAL_PORT: '8081' }, undefined],
  ])('conflict: %s', (_name, env, problem) => {
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
  ])('reads %s from %s', (name, value, expected) => {
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
    'refuses %s = %j',
    (name, value) => {
      expect(problemsOf({ [name]: value })).toHaveLength(1)
      expect(problemsOf({ [name]: value })[0]).toMatch(new RegExp(`^${name} must be `))
    },
  )

  it('NATS: its files go together, and with its URL', () => {
    const url = { NATS_URL: 'nats://a' }
    expect(problemsOf({ AUTH4AGENT_NATS_CREDS_FILE: '/c' })[0]).toContain('NATS_URL is needed')
    expect(problemsOf({ ...url, AUTH4AGENT_NATS_CREDS_FILE: '/c', AUTH4AGENT_NATS_TLS_CA_FILE: '/a' })).toEqual([])
    expect(problemsOf({ ...url, AUTH4AGENT_NATS_TLS_CERT_FILE: '/c' })[0]).toContain('go together')
  })
})
