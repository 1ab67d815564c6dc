import { expect, it } from 'vitest'
import { describeRecord } from './describe-record.ts'

it.each([
  ['token', 'S'],
  ['agent', 'S: tokens before epoch 7'],
  ['operator', 'all agents: tokens before epoch 7'],
  ['key', 'S: all tokens that it signed'],
  ['deployment', 'all operators: tokens before epoch 7'],
  ['issuer', 'S: all trust before generation 7'],
  ['edge', 'S: all trust through this edge'],
  ['planet', 'S (unknown kind of record: install a newer version of this tool)'],
  ['toString', 'S (unknown kind of record: install a newer version of this tool)'],
])('describeRecord describes a record of kind %s', (kind, text) => {
  expect(describeRecord({ kind, subject: 'S', minimumEpoch: 7 })).toBe(text)
})
