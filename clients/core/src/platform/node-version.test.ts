import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { expectNode, isAtLeast } from './node-version.ts'

describe('isAtLeast', () => {
  it.each([
    { actual: '24.19.0', minimum: '24.19.0', expected: true },
    { actual: '24.19.1', minimum: '24.19.0', expected: true },
    { actual: '24.20.0', minimum: '24.19.1', expected: true },
    { actual: '25.0.0', minimum: '24.19.0', expected: true },
    { actual: '24.100.0', minimum: '24.19.0', expected: true },
    { actual: '24.18.9', minimum: '24.19.0', expected: false },
    { actual: '24.9.0', minimum: '24.19.0', expected: false },
    { actual: '22.99.99', minimum: '24.19.0', expected: false },
    { actual: '24.19.0-nightly', minimum: '24.19.0', expected: true },
  ])('returns $expected for $actual and the minimum $minimum', ({ actual, minimum, expected }) => {
    expect(isAtLeast(actual, minimum)).toBe(expected)
  })
})

function on(process: unknown): () => void {
  vi.stubGlobal('process', process)
  onTestFinished(() => void vi.unstubAllGlobals())
  return () => expectNode('@auth4agent/sdk')
}

describe('expectNode', () => {
  it('throws if Node is too old, and names both versions', () => {
    expect(on({ versions: { node: '18.20.8' } })).toThrow(
      '@auth4agent/sdk needs Node 20.19.0 or newer, and this is Node 18.20.8',
    )
  })

  it.each([[{ versions: { node: '20.19.0' } }], [{ versions: {} }], [undefined]])('accepts %j', (process) => {
    expect(on(process)).not.toThrow()
  })
})
