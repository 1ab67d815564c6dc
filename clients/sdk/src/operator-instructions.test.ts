import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { describe, expect, it } from 'vitest'
import {
  ANSWER,
  ID,
  key,
  OTHER_ID,
  RECORD,
  recorder,
  SERVER,
  SUBJECT,
} from '../../../test/support/sdk/recorded-operator.ts'
import { generatePrivateKey } from './node/index.ts'
import { createOperator } from './operator.ts'

const instructions = (told: object) => {
  const { fetch } = recorder(() => Response.json({ ...ANSWER, ...told }))
  return createOperator({ server: SERVER, operatorId: ID, key, fetch }).verification.instructions()
}

describe('verification.instructions', () => {
  const { signer: other } = generatePrivateKey()
  const others = thumbprint(other.publicKey)
  it.each([
    ['its record', RECORD],
    ['its record with unknown tags', `${RECORD}; x=1`],
  ])('resolves with %s', async (_name, txt_record_value) => {
    expect(await instructions({ txt_record_value })).toMatchObject({ txt_record_value })
  })

  it.each([
    [
      'a record of another server',
      { txt_record_value: RECORD.replace(SERVER, 'https://other.example') },
      'ISSUER_MISMATCH',
    ],
    [
      'a record of this server and another',
      { txt_record_value: `${RECORD}; iss=https://other.example` },
      'ISSUER_MISMATCH',
    ],
    ['a text that is not a record', { txt_record_value: 'x' }, 'ISSUER_MISMATCH'],
    ['a record of another key', { txt_record_value: RECORD.replace(SUBJECT.thumbprint, others) }, 'UNEXPECTED_ANSWER'],
    ['a record of another operator', { txt_record_value: RECORD.replace(ID, OTHER_ID) }, 'UNEXPECTED_ANSWER'],
    ['a record at another name', { txt_record_name: '_auth4agents.other.example' }, 'UNEXPECTED_ANSWER'],
    [
      'a record of another domain',
      { domain: 'other.example', txt_record_name: '_auth4agents.other.example' },
      'UNEXPECTED_ANSWER',
    ],
  ])('rejects %s', async (_name, told, reason) => {
    await expect(instructions(told)).rejects.toMatchObject({ reason })
  })
})
