import { operatorId } from '@auth4agent/core/identity/operator-id'
import { readRecord, recordName } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { clientError } from './errors.ts'
import type { DomainInstructions } from './operator-answers.ts'

/** Whose record it has to be. */
interface Owner {
  readonly issuer: string
  readonly id: string
  readonly publicKey: Uint8Array
}

/**
 * Holds a record to publish to what the operator's own key gives. One that names another key or server would prove the domain for
 * whoever has that key, there. Throws ISSUER_MISMATCH where it is of another server, UNEXPECTED_ANSWER where of another operator.
 */
export function checkInstructions(told: DomainInstructions, { issuer, id, publicKey }: Owner): void {
  const { domain, txt_record_name: name, txt_record_value: value } = told
  const print = thumbprint(publicKey)
  const record = readRecord(value, issuer)
  if (record === undefined) {
    throw clientError('ISSUER_MISMATCH', `the record that the server wants published is none of ${issuer}`)
  }
  const isOwn = record.operatorId === id && record.thumbprint === print
  if (!isOwn || name !== recordName(domain) || id !== operatorId({ issuer, domain, thumbprint: print })) {
    throw clientError('UNEXPECTED_ANSWER', 'the record that the server wants published is not that of this operator')
  }
}
