import { describe, expect, test } from 'vitest'
import { judgeNamedKey } from './judge-named-key.ts'

const rootKeys = ['a', 'b']

describe('judgeNamedKey for a record that names', () => {
  test.each([
    ['the same root key', 'a', false, { isForeign: false, becomes: undefined, adopts: undefined }],
    ['the same root key of a frozen operator', 'a', true, { isForeign: false, becomes: 'unfrozen', adopts: undefined }],
    ['another root key', 'b', false, { isForeign: false, becomes: undefined, adopts: 'b' }],
    ['another root key of a frozen operator', 'b', true, { isForeign: false, becomes: 'unfrozen', adopts: 'b' }],
    ['a foreign key', 'x', false, { isForeign: true, becomes: 'frozen', adopts: undefined }],
    ['a foreign key of a frozen operator', 'x', true, { isForeign: true, becomes: undefined, adopts: undefined }],
    ['no key', undefined, false, { isForeign: false, becomes: undefined, adopts: undefined }],
    ['no key of a frozen operator', undefined, true, { isForeign: false, becomes: undefined, adopts: undefined }],
  ] as const)('%s', (_, named, isFrozen, verdict) => {
    expect(judgeNamedKey({ named, rootKeys, rootKeyThumbprint: 'a', isFrozen })).toEqual(verdict)
  })
})
