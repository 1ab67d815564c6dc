import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { isAtLeast } from './node-version.mjs'

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

describe('require-node.ts', () => {
  const module = new URL('./require-node.ts', import.meta.url).href
  const importUnder = (version: string) => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
    const script = `${pretend}\nawait import('${module}')\nconsole.log('continued')`
    return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  }

  it('ends the process on an older Node with the reason and the version to install', () => {
    const { status, stdout, stderr } = importUnder('24.18.0')
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(
      /^Auth4Agent needs Node 24\.19\.0 or newer, but this is Node 24\.18\.0, .*forged.*install.*\n$/,
    )
  })

  it('does nothing on a Node that is new enough', () => {
    expect(importUnder('24.19.0')).toMatchObject({ status: 0, stdout: 'continued\n', stderr: '' })
  })
})
