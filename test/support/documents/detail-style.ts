import type { DescMessage } from '@bufbuild/protobuf'
import * as attestation from '../../../gen/proto/auth4agent/v1/attestation_pb.ts'
import * as attestationPolicy from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import * as authn from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import * as identity from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import * as keys from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import * as operatorKeys from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import * as operators from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import * as people from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import * as revocation from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import * as trust from '../../../gen/proto/auth4agent/v1/trust_pb.ts'

const CLAIMS = ['alg', 'aud', 'exp', 'iat', 'iss', 'jti', 'jwk', 'kid', 'nbf', 'root', 'rpc', 'seq', 'sub', 'typ']
const FIELDS = [
  attestation,
  attestationPolicy,
  authn,
  identity,
  keys,
  operatorKeys,
  operators,
  people,
  revocation,
  trust,
]
  .flatMap(Object.values<object>)
  .filter(isMessage)
  .flatMap(({ fields }) => fields.map(({ name }) => name))
/**
 * A sentence begins with a capital letter, or with a name of the code: a field, a claim, a setting, an option, a
 * quoted text. A problem with a setting begins with `must`, because the server writes the name of the setting before
 * it.
 */
const BEGINNING = new RegExp(
  `^(?:\\p{Lu}|\\d|["'\`…$-]|[a-z]\\w*(?:[_.(\\[-]\\w*)+|_\\w+|[a-z]+[A-Z]\\w*|(?:${[...CLAIMS, ...FIELDS].join('|')})\\b|(?:[a-z]\\w* )?must\\b)`,
  'u',
)

/** Tells whether a text begins like an error detail: with a capital letter or with a name of the code. */
export function beginsAsDetail(text: string): boolean {
  return BEGINNING.test(text)
}

/** Tells whether a text has the form of an error detail: it begins like one, and has no full stop at the end. */
export function isDetail(text: string): boolean {
  return beginsAsDetail(text) && !text.endsWith('.')
}

function isMessage(value: object): value is DescMessage {
  return 'kind' in value && value.kind === 'message'
}
