import { type DescField, type DescMethod, getOption, ScalarType } from '@bufbuild/protobuf'
import { rest } from '../../../gen/proto/auth4agent/v1/options_pb.ts'
import type { RestBinding } from '../../../services/jwks-gateway/rest/rest-bindings.ts'
import { reasonsOf } from '../../contract/cases/matrix.ts'
import { shortName } from '../../contract/support/contract.ts'
import type { Comments } from './comments.ts'
import type { Example } from './examples.ts'
import { nameOf, type Schema, type Schemas } from './schemas.ts'

/** What the parameters of all calls are made from. */
export interface ParameterSources {
  readonly schemas: Schemas
  readonly comments: Comments
}

/** Headers that only some calls read, and the test for these calls. */
const HEADERS: Readonly<Record<string, (method: DescMethod) => boolean>> = {
  DPoP: (method) => reasonsOf(method).has('INVALID_DPOP_PROOF'),
  Auth4AgentApproval: (method) => reasonsOf(method).has('APPROVALS_REQUIRED'),
  Prefer: (method) => shortName(method) === 'AuthnService.VerifyToken',
  LastEventId: (method) => getOption(method, rest).lastEventId.length > 0,
}

/** Returns the parameters of a call in path, query and headers. */
export function parametersOf(
  binding: RestBinding,
  { schemas, comments }: ParameterSources,
  example: Example | undefined,
): readonly Schema[] {
  const parameter = (field: DescField, place: 'path' | 'query'): Schema[] => {
    const schema = schemas.parameter(field)
    if (schema === undefined) return []
    const value = example?.request[field.name]
    return [
      {
        name: field.name,
        in: place,
        ...((place === 'path' || schemas.isRequired(field)) && { required: true }),
        description: comments.get(nameOf(field)) ?? '',
        schema,
        ...(value !== undefined && { example: value }),
      },
    ]
  }
  return [
    ...binding.path.fields.flatMap((field) => parameter(field, 'path')),
    ...queryFields(binding).flatMap((field) => parameter(field, 'query')),
    ...Object.entries(HEADERS)
      .filter(([, isRead]) => isRead(binding.method))
      .map(([name]) => ({ $ref: `#/components/parameters/${name}` })),
  ]
}

/** Returns the fields of a request that its body contains. */
export function bodyFields({ method, path, body, isForm }: RestBinding): readonly DescField[] {
  if (body !== '*') return []
  return method.input.fields.filter((field) => !path.fields.includes(field) && (!isForm || isText(field)))
}

function isText(field: DescField): boolean {
  return field.scalar === ScalarType.STRING
}

function queryFields({ method, path, body }: RestBinding): readonly DescField[] {
  if (body === '*') return []
  return method.input.fields.filter((field) => !path.fields.includes(field) && field !== body)
}
