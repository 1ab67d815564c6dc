import { operatorId } from '@auth4agent/core/identity/operator-id'
import { readRecord, recordName } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { clientError } from './errors.ts'
import type { DomainInstructions } from './operator-answers.ts'

/** The operator whose record is expected. */
interface Owner {
  readonly issuer: string
  readonly id: string
  readonly publicKey: Uint8Array
}

/**
 * Checks the TXT record that the server asks the operator to publish. A record with another key or server would prove
 * the domain for the owner of that key at that server. Throws ISSUER_MISMATCH for another server, and
 * UNEXPECTED_ANSWER for another operator.
 */
export function checkInstructions(told: DomainInstructions, { issuer, id, publicKey }: Owner): void {
  const { domain, txt_record_name: name, txt_record_value: value } = told
  const print = thumbprint(publicKey)
  const record = readRecord(value, issuer)
  if (record === undefined) {
    throw clientError('ISSUER_MISMATCH', `The TXT record that the server asks for does not name the issuer ${issuer}`)
  }
  const isOwn = record.operatorId === id && record.thumbprint === print
  if (!isOwn || name !== recordName(domain) || id !== operatorId({ issuer, domain, thumbprint: print })) {
    throw clientError('UNEXPECTED_ANSWER', 'The TXT record that the server asks for is not that of this operator')
  }
}
