import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { VECTORS } from '../../contract/support/read-vectors.ts'
import { installCryptography, startPython } from './python.ts'

const COUNT_LINES = join(import.meta.dirname, 'count_lines.py')
const ANY_OPERATOR = join(import.meta.dirname, 'any_operator.py')

beforeAll(installCryptography)

describe('the Python example', () => {
  it('agrees with the test vectors of the protocol', async () => {
    const { code, output } = await startPython('check_vectors.py', VECTORS).ended
    expect(output).toMatch(/^\d{3} vectors checked, 0 failed\n$/)
    expect(code).toBe(0)
  })

  it('refuses to demand a result of attestation of any operator', async () => {
    const { output } = await startPython(ANY_OPERATOR).ended
    expect(output).toMatch(/^attestation needs a list of operators/)
  })

  it('has fewer than 410 lines of code in its package', async () => {
    const { code, output } = await startPython(COUNT_LINES).ended
    expect(code).toBe(0)
    const [files, lines] = output.split(' ').map(Number)
    expect(files).toBe(5)
    expect(lines).toBeGreaterThan(0)
    expect(lines).toBeLessThan(410)
  })
})
