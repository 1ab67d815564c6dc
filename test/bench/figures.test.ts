import { describe, expect, it } from 'vitest'
import { chooseFigures, FIGURE_NAMES, FIGURES } from './figures.ts'
import type { Measurement } from './measure.ts'

const measured = (name: Measurement['case'], connections: number, perSecond: number, p99Us: number): Measurement => {
  return {
    case: name,
    connections,
    requests: 1,
    perSecond,
    p50Us: 1,
    p99Us,
    cpuUs: 1e6 / perSecond,
    databaseCpuUs: 1,
    othersCores: 0,
  }
}

describe('a figure of one round', () => {
  const round = {
    crypto: { verifyUs: 50, signUs: 20 },
    measurements: [
      measured('token', 32, 5000, 900),
      measured('token', 4, 4000, 500),
      measured('peer-token', 32, 2000, 900),
      measured('peer-token', 4, 2000, 4000),
      measured('bare', 32, 50_000, 100),
      measured('verify-seen', 32, 20_000, 100),
      measured('verify-chain-seen', 32, 16_000, 100),
      // 500 - 62.5 microseconds for four checks of 50.
      measured('verify-chain-new', 32, 2000, 900),
      measured('oauth-token', 32, 4500, 900),
      measured('durable-peer-token', 32, 900, 900),
      measured('oauth-exchange', 32, 3000, 900),
      measured('oauth-introspect', 32, 6000, 900),
      measured('peer-introspect', 32, 3000, 900),
      // The figure of introspection must not use the cheaper authentication.
      measured('peer-introspect-secret', 32, 9000, 900),
    ],
  }

  it.each([
    ['token', 5000 / 2000],
    // 50 + 20 + 20 microseconds are 11,111 tokens a second.
    ['floor', 5000 / (1e6 / 90)],
    ['p99', 500 / 4000],
    ['chain-seen', 16 / 20],
    ['chain-new', 437.5 / 200],
    ['oauth-token', 4500 / 2000],
    ['oauth-token-durable', 4500 / 900],
    ['oauth-exchange', 3000 / 4500],
    ['oauth-native', 4500 / 5000],
    ['oauth-introspect', 6000 / 3000],
  ] as const)('is computed for %s', (name, value) => {
    expect(FIGURES[name].of({ round })).toBeCloseTo(value, 9)
  })

  it.each(['workers', 'memory', 'grpc'] as const)('is undefined if it was not measured: %s', (name) => {
    expect(FIGURES[name].of({ round })).toBeUndefined()
  })
})

describe('chooseFigures', () => {
  it.each([
    ['all figures for no name', [], FIGURE_NAMES],
    ['one figure for the name of a figure', ['token'], ['token']],
    ['all figures that begin with a text', ['verify'], ['verify-new', 'verify-seen']],
    [
      'all figures of OAuth',
      ['oauth'],
      ['oauth-token', 'oauth-token-durable', 'oauth-exchange', 'oauth-native', 'oauth-introspect'],
    ],
    ['several figures in the order of the table', ['start', 'p99'], ['p99', 'start']],
  ])('returns %s', (_, wanted, chosen) => {
    expect(chooseFigures(wanted)).toEqual(chosen)
  })

  it('refuses a name that fits no figure', () => {
    expect(() => chooseFigures(['tokens'])).toThrow(/Unknown figure "tokens": choose from token, /)
  })
})
