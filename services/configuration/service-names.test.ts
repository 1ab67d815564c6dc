import { describe, expect, it } from 'vitest'
import { StartupError } from '../platform/errors/startup-error.ts'
import { isSplit, parseServices, remoteServices, SERVICE_NAMES, type ServiceName } from './service-names.ts'

describe('parseServices', () => {
  it('returns all services without arguments, and otherwise each named service once', () => {
    expect(parseServices([])).toEqual(SERVICE_NAMES)
    expect(parseServices(['authn', 'identity', 'authn'])).toEqual(['identity', 'authn'])
  })

  it.each(['gateway', 'Authn', '', '--help', 'authn,identity'])('refuses the unknown service "%s"', (name) => {
    expect(() => parseServices(['authn', name])).toThrow(StartupError)
    expect(() => parseServices([name])).toThrow(
      `Unknown service "${name}": name some of operator-registry, identity, authn, revocation, jwks-gateway, or none to run all`,
    )
  })
})

describe('remoteServices', () => {
  it.each<[ServiceName[], string[]]>([
    [['operator-registry'], []],
    [['identity'], ['operator-registry']],
    [['revocation'], ['operator-registry']],
    [['authn'], ['operator-registry', 'identity']],
    [['authn', 'identity'], ['operator-registry']],
    [['jwks-gateway'], ['operator-registry', 'identity', 'authn', 'revocation']],
    [
      ['jwks-gateway', 'authn'],
      ['operator-registry', 'identity', 'revocation'],
    ],
    [[...SERVICE_NAMES], []],
  ])('returns, for a process that runs %j, the remote services %j', (local, remote) => {
    expect(remoteServices(local).toSorted()).toEqual(remote.toSorted())
    expect(isSplit(local)).toBe(local.length < 5)
  })
})
