import { describe, expect, it } from 'vitest'
import { AUTHORITY } from '../../../../test/support/tpm/memory-machine.ts'
import { readTpmConfig } from './read-tpm-config.ts'

const VALUE = 'a7'.repeat(32)
const FIRMWARE = '0123456789abcdef'
const read = (config: object) => readTpmConfig({ ek_roots: [AUTHORITY.root], ...config })
const many = (count: number, digits: number) =>
  Array.from({ length: count }, (_, value) => value.toString(16).padStart(digits, '0'))

describe('readTpmConfig', () => {
  it('reads roots alone, and then demands nothing of PCRs and firmware', () => {
    const { ekRoots, ...others } = read({})
    expect(ekRoots).toHaveLength(1)
    expect(others).toEqual({ pcrs: new Map(), requiredPcrs: [], firmwareVersions: undefined })
  })

  it('requires the PCRs that have values, and those that may have any', () => {
    const config = { pcrs: { '7': [VALUE], '0': many(32, 64) }, required_pcrs: [23, 7], firmware_versions: [FIRMWARE] }
    expect(read(config)).toMatchObject({
      pcrs: new Map([
        [0, many(32, 64)],
        [7, [VALUE]],
      ]),
      requiredPcrs: [0, 7, 23],
      firmwareVersions: [FIRMWARE],
    })
  })

  it.each<[string, object, string]>([
    ['an unknown member', { pcr: {} }, 'config must not have a member "pcr"'],
    ['no roots', { ek_roots: undefined }, 'config.ek_roots must be'],
    ['an empty list of roots', { ek_roots: [] }, 'config.ek_roots must be'],
    ['a root that is no certificate', { ek_roots: ['x'] }, 'config.ek_roots[0] must be'],
    ['PCRs as a list', { pcrs: [VALUE] }, 'config.pcrs must be an object of lists'],
    ['PCR 24', { pcrs: { '24': [VALUE] } }, 'config.pcrs must have only members from 0 to 23'],
    ['PCR 07', { pcrs: { '07': [VALUE] } }, 'config.pcrs must have only members from 0 to 23'],
    ['a PCR with no value', { pcrs: { '7': [] } }, 'config.pcrs.7 must be a list of 1 to 32'],
    ['a PCR with 33 values', { pcrs: { '7': many(33, 64) } }, 'config.pcrs.7 must be a list of 1 to 32'],
    [
      'a PCR with one value twice',
      { pcrs: { '7': [VALUE, VALUE] } },
      'config.pcrs.7 must be a list of 1 to 32 different',
    ],
    ['a PCR with a text', { pcrs: { '7': VALUE } }, 'config.pcrs.7 must be a list'],
    ['a value in upper case', { pcrs: { '7': [VALUE.toUpperCase()] } }, 'of 64 lower-case hex digits'],
    ['a value of SHA-1', { pcrs: { '7': ['a7'.repeat(20)] } }, 'of 64 lower-case hex digits'],
    ['a value that is no text', { pcrs: { '7': [VALUE, 7] } }, 'of 64 lower-case hex digits'],
    [
      'no required PCR',
      { required_pcrs: [] },
      'config.required_pcrs must be a list of different numbers between 0 and 23',
    ],
    ['a required PCR 24', { required_pcrs: [24] }, 'config.required_pcrs must be'],
    ['a required PCR -1', { required_pcrs: [-1] }, 'config.required_pcrs must be'],
    ['a required PCR 0.5', { required_pcrs: [0.5] }, 'config.required_pcrs must be'],
    ['a required PCR as text', { required_pcrs: ['7'] }, 'config.required_pcrs must be'],
    ['a required PCR twice', { required_pcrs: [7, 7] }, 'config.required_pcrs must be'],
    ['no firmware version', { firmware_versions: [] }, 'config.firmware_versions must be a list of 1 to 32'],
    ['a firmware version of another form', { firmware_versions: ['1.2'] }, 'of 16 lower-case hex digits'],
  ])('refuses %s', (_name, config, message) => {
    expect(() => read(config)).toThrow(message)
    expect(() => read(config)).toThrow(expect.objectContaining({ reason: 'INVALID_ATTESTOR' }))
  })
})
