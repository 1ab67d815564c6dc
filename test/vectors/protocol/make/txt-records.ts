import { recordName, recordValue } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { DOMAIN, describe, ISSUER, OPERATOR_ID, OTHER_OPERATOR_ID, OTHER_ROOT_KEY, ROOT_KEY } from './parties.ts'

const THUMBPRINT = thumbprint(ROOT_KEY.publicKey)
const OTHER_THUMBPRINT = thumbprint(OTHER_ROOT_KEY.publicKey)
const VALUE = recordValue({ issuer: ISSUER, operatorId: OPERATOR_ID, thumbprint: THUMBPRINT })
const OTHER_VALUE = recordValue({ issuer: ISSUER, operatorId: OTHER_OPERATOR_ID, thumbprint: OTHER_THUMBPRINT })
const OF_OTHER_ISSUER = VALUE.replace(ISSUER, 'https://auth.example.org')

/** Makes TXT records of domain proofs, and sets of resolver answers with the result that the server concludes. */
export function makeTxtRecords(): object {
  return {
    description: describe(
      'TXT records of domain proofs. `records`: one record, and what the server with this issuer reads in it.',
      '`answers`: the answers of all resolvers, and the result that the server concludes from them.',
    ),
    issuer: ISSUER,
    domain: DOMAIN,
    operator_id: OPERATOR_ID,
    thumbprint: THUMBPRINT,
    txt_record_name: recordName(DOMAIN),
    txt_record_value: VALUE,
    records: records(),
    answers: answers(),
  }
}

const ignored = (name: string, ...strings: readonly string[]) => ({ name, strings, expect: 'ignored' })

function records(): object[] {
  const proof = { operator_id: OPERATOR_ID, thumbprint: THUMBPRINT }
  const read = (name: string, strings: readonly string[], found: object = proof) => ({ name, strings, expect: found })
  return [
    read('the text that the server gives', [VALUE]),
    read('several strings, joined without a separator', [VALUE.slice(0, 40), VALUE.slice(40)]),
    read('no white space after semicolons', [VALUE.replaceAll('; ', ';')]),
    read('white space around names and values', [VALUE.replaceAll('; ', ' ;  ').replace('op=', 'op = ')]),
    read('a semicolon at the end', [`${VALUE};`]),
    read('tags in another order, v first', [`v=a4a1; rk=${THUMBPRINT}; op=${OPERATOR_ID}; iss=${ISSUER}`]),
    read('an unknown tag', [`${VALUE}; note=hello`]),
    read('an unknown tag twice', [`${VALUE}; note=a; note=b`]),
    read('a part without an equals sign', [`${VALUE}; note`]),
    read('another operator', [OTHER_VALUE], { operator_id: OTHER_OPERATOR_ID, thumbprint: OTHER_THUMBPRINT }),
    read('no op tag', [`v=a4a1; iss=${ISSUER}; rk=${THUMBPRINT}`], { operator_id: '', thumbprint: THUMBPRINT }),
    read('no rk tag', [`v=a4a1; iss=${ISSUER}; op=${OPERATOR_ID}`], { operator_id: OPERATOR_ID, thumbprint: '' }),
    ignored('another issuer', OF_OTHER_ISSUER),
    ignored('the issuer with a trailing slash', VALUE.replace(ISSUER, `${ISSUER}/`)),
    ignored('the issuer in upper case', VALUE.replace(ISSUER, ISSUER.toUpperCase())),
    ignored('no iss tag', `v=a4a1; op=${OPERATOR_ID}; rk=${THUMBPRINT}`),
    ignored('v is not the first tag', `iss=${ISSUER}; v=a4a1; op=${OPERATOR_ID}; rk=${THUMBPRINT}`),
    ignored('another version', VALUE.replace('a4a1', 'a4a2')),
    ignored('the version in upper case', VALUE.replace('a4a1', 'A4A1')),
    ignored('a known tag twice', `${VALUE}; op=${OPERATOR_ID}`),
    ignored('a record for another purpose', 'v=spf1 -all'),
    ignored('an empty text', ''),
  ]
}

const found = (...records: readonly string[]) => ({ kind: 'records', records: records.map((text) => [text]) })
const judged = (name: string, resolvers: readonly object[], expect: string, incumbent_id?: string) => ({
  name,
  ...(incumbent_id !== undefined && { incumbent_id }),
  resolvers,
  expect,
})

function answers(): object[] {
  const absent = { kind: 'absent' }
  const failed = { kind: 'failed' }
  return [
    judged('the only resolver has the record', [found(VALUE)], 'proven'),
    judged('two of three resolvers have the record', [found(VALUE), found(VALUE), absent], 'proven'),
    judged('two of three resolvers have the record and one failed', [found(VALUE), failed, found(VALUE)], 'proven'),
    judged('the record and records for other purposes', [found('v=spf1 -all', VALUE)], 'proven'),
    judged('the record and a record of another issuer', [found(VALUE, OF_OTHER_ISSUER)], 'proven'),
    judged('the same text twice counts once', [found(VALUE, VALUE)], 'proven'),
    judged('no record', [absent], 'not-found'),
    judged('only records for other purposes', [found('v=spf1 -all')], 'not-found'),
    judged('only a record of another issuer', [found(OF_OTHER_ISSUER)], 'not-found'),
    judged('another operator', [found(OTHER_VALUE)], 'mismatch'),
    judged('the operator with another root key', [found(VALUE.replace(THUMBPRINT, OTHER_THUMBPRINT))], 'mismatch'),
    judged('no op tag', [found(`v=a4a1; iss=${ISSUER}; rk=${THUMBPRINT}`)], 'mismatch'),
    judged(
      'the record of the current owner of the domain',
      [found(OTHER_VALUE)],
      'incumbent-present',
      OTHER_OPERATOR_ID,
    ),
    judged('two records of this issuer', [found(VALUE, OTHER_VALUE)], 'contested'),
    judged('one record of this issuer in two spellings', [found(VALUE, `${VALUE};`)], 'contested'),
    judged('one of two resolvers has the record', [found(VALUE), absent], 'unavailable'),
    judged('one of three resolvers has the record and two failed', [found(VALUE), failed, failed], 'unavailable'),
    judged('all resolvers failed', [failed, failed, failed], 'unavailable'),
    judged('three resolvers with three answers', [found(VALUE), absent, found(OTHER_VALUE)], 'unavailable'),
  ]
}
