import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { IssueTokenRequestSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { RegisterAgentRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { SetOperatorPolicyRequestSchema } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { reasonOf } from '../../test/support/reason-of.ts'
import { refuseUnstorableText } from './unstorable-text.ts'

function check<D extends DescMessage>(schema: D, init: MessageInitShape<D>): void {
  refuseUnstorableText(schema, create(schema, init))
}

const NUL = 'must not contain a NUL character'
const SURROGATE = 'must not contain a lone surrogate'

describe('refuseUnstorableText', () => {
  it.each<[string, () => void, string]>([
    ['NUL in a string', () => check(IssueTokenRequestSchema, { did: 'a\0' }), `did ${NUL}`],
    ['NUL in an optional string', () => check(IssueTokenRequestSchema, { scope: '\0' }), `scope ${NUL}`],
    ['a lone surrogate', () => check(IssueTokenRequestSchema, { did: '\ud800' }), `did ${SURROGATE}`],
    ['NUL in a list', () => check(IssueTokenRequestSchema, { audience: ['a', '\0'] }), `audience[1] ${NUL}`],
    [
      'NUL in nested messages',
      () => check(SetOperatorPolicyRequestSchema, { policy: { audiences: [{ callers: ['\0'] }] } }),
      `policy.audiences[0].callers[0] ${NUL}`,
    ],
    [
      'NUL in a Struct',
      () => check(RegisterAgentRequestSchema, { didDocument: { a: [{ b: '\0' }] } }),
      `did_document ${NUL}`,
    ],
    [
      'a lone surrogate in a name in a Struct',
      () => check(RegisterAgentRequestSchema, { didDocument: { a: { '\udc00': 1 } } }),
      `did_document ${SURROGATE}`,
    ],
  ])('refuses %s', (_name, work, detail) => {
    expect(reasonOf(work)).toBe('INVALID_ARGUMENT')
    expect(work).toThrow(detail)
  })

  it('accepts all other text', () => {
    const texts = { did: '\u{1f600}\u0001', audience: ['', '\uffff'], signature: Uint8Array.of(0) }
    expect(() => check(IssueTokenRequestSchema, texts)).not.toThrow()
    expect(() => check(RegisterAgentRequestSchema, { didDocument: { a: [null, 1, true, 'x'] } })).not.toThrow()
  })
})
