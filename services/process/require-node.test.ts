import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

describe('importing it', () => {
  const module = new URL('./require-node.ts', import.meta.url).href
  const importUnder = (version: string) => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
    const script = `${pretend}\nawait import('${module}')\nconsole.log('went on')`
    return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  }

  it('ends the process on an older Node, saying why and what to install', () => {
    const { status, stdout, stderr } = importUnder('24.18.0')
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^Auth4Agent needs Node 24\.19\.0 or newer and this is 24\.18\.0, .*forged.*install.*\n$/)
  })

  it('does nothing on one that is new enough', () => {
    expect(importUnder('24.19.0')).toMatchObject({ status: 0, stdout: 'went on\n', stderr: '' })
  })
})
