import { operatorId } from '@auth4agent/core/identity/operator-id'
import { readRecord, recordName } from '@auth4agent/core/identity/proof-record'
import { clientError } from './errors.ts'
import type { DomainInstructions } from './operator-answers.ts'

/** The operator whose record is expected. Keys are RFC 7638 thumbprints. */
export interface Owner {
  readonly issuer: string
  readonly id: string
  /** The domain, if it is known. */
  readonly domain: string | undefined
  /** The key from which the id was computed, if it is known. */
  readonly firstRootKey: string | undefined
  /** The keys that the record may name. */
  readonly rootKeys: readonly string[]
}

/**
 * Checks the TXT record that the server asks the operator to publish. A record with another key or server would prove
 * the domain for the owner of that key at that server. Throws ISSUER_MISMATCH for another server, and
 * UNEXPECTED_ANSWER for another operator.
 */
export function checkInstructions(told: DomainInstructions, owner: Owner): void {
  const { issuer, id, domain = told.domain, firstRootKey, rootKeys } = owner
  const record = readRecord(told.txt_record_value, issuer)
  if (record === undefined) {
    throw clientError('ISSUER_MISMATCH', `The TXT record that the server asks for does not name the issuer ${issuer}`)
  }
  const isOwn = record.operatorId === id && rootKeys.includes(record.thumbprint)
  const isThere = told.domain === domain && told.txt_record_name === recordName(domain)
  const isId = firstRootKey !== undefined && id === operatorId({ issuer, domain, thumbprint: firstRootKey })
  if (!isOwn || !isThere || !isId) {
    throw clientError('UNEXPECTED_ANSWER', 'The TXT record that the server asks for is not that of this operator')
  }
}
