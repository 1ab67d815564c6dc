import { grantRefusals } from '@auth4agent/core/delegation/refusal'
import { verdicts } from '@auth4agent/core/token/verdicts'
import { type DescField, type DescMessage, type DescMethod, ScalarType } from '@bufbuild/protobuf'
import { status as statuses } from '@grpc/grpc-js'
import { AgentKeyService } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { AgentMoveService } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { AttestationService } from '../../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { DelegationService } from '../../../gen/proto/auth4agent/v1/delegation_pb.ts'
import { DeploymentService } from '../../../gen/proto/auth4agent/v1/deployment_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { OperatorKeyService } from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { attestationPolicies } from '../../../services/attestation/policy.ts'
import { authnPolicies, grantPolicies, oauthPolicies } from '../../../services/authn/policy.ts'
import { statusRefusals } from '../../../services/authn/refuse-by-status.ts'
import { methodName } from '../../../services/calls/method-name.ts'
import type { Policy } from '../../../services/calls/policy.ts'
import { deploymentPolicies } from '../../../services/deployment/policy.ts'
import { keyPolicies } from '../../../services/identity/key-events/policy.ts'
import { movePolicies } from '../../../services/identity/moves/policy.ts'
import { policies as identityPolicies } from '../../../services/identity/policy.ts'
import { type RestBinding, restBindings } from '../../../services/jwks-gateway/rest/rest-bindings.ts'
import { keysPolicies } from '../../../services/keys/policy.ts'
import {
  keyPolicies as operatorKeyPolicies,
  policies as operatorPolicies,
} from '../../../services/operator-registry/policy.ts'
import { peoplePolicies } from '../../../services/people/policy.ts'
import { reasons } from '../../../services/platform/errors/reasons.ts'
import type { LimitName } from '../../../services/platform/limits/limits.ts'
import { scaleRates } from '../../../services/platform/limits/rates.ts'
import { revocationPolicies } from '../../../services/revocation/policy.ts'
import { trustPolicies } from '../../../services/trust/policy.ts'

const SERVICES = [
  OperatorRegistryService,
  OperatorKeyService,
  IdentityService,
  AgentKeyService,
  AgentMoveService,
  AttestationService,
  AuthnService,
  DelegationService,
  OAuthService,
  RevocationService,
  KeysService,
  DeploymentService,
  PeopleService,
]
const POLICIES: readonly object[] = [
  operatorPolicies,
  operatorKeyPolicies,
  identityPolicies,
  keyPolicies,
  movePolicies,
  attestationPolicies,
  authnPolicies,
  grantPolicies,
  oauthPolicies,
  revocationPolicies,
  keysPolicies,
  deploymentPolicies,
  peoplePolicies,
]
const PACKAGE = 'auth4agent.v1'
/** The JSON form of well-known protobuf types, in words. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  'google.protobuf.Timestamp': 'time',
  'google.protobuf.Struct': 'object',
}
const SCALARS: Partial<Record<ScalarType, string>> = {
  [ScalarType.STRING]: 'text',
  [ScalarType.BOOL]: 'boolean',
  [ScalarType.BYTES]: 'base64',
}
const REFUSE = statusRefusals[methodName(AuthnService.method.verifyToken)]

/** The tables of `docs/protocol.md` that this file writes from the code, by the name in their markers. */
const TABLES: Readonly<Record<string, () => string>> = {
  verdicts: () => verdictTable(verdicts),
  grants: () => verdictTable(onlyOfGrants),
  rates: rateTable,
  reasons: reasonTable,
  calls: callTable,
  messages: messageTable,
  parts: partTable,
}

/**
 * Writes the tables from the code between the markers of a document. Returns the new document.
 *
 * @throws Error for a marker of an unknown table, and for a table without a marker
 */
export function withProtocolTables(document: string): string {
  const missing = new Set(Object.keys(TABLES))
  const filled = document.replaceAll(/<!-- table: (\w+) -->\n[\s\S]*?<!-- end -->/g, (_, name: string) => {
    const table = TABLES[name]
    if (table === undefined) throw new Error(`Unknown table "${name}"`)
    missing.delete(name)
    return `<!-- table: ${name} -->\n${table()}<!-- end -->`
  })
  if (missing.size > 0) throw new Error(`The document has no marker for: ${[...missing].join(', ')}`)
  return filled
}

/** The reasons about chains that are no verdict about access tokens too. */
const onlyOfGrants = Object.fromEntries(
  Object.entries(grantRefusals).filter(([name]) => !Object.hasOwn(verdicts, name)),
)

function verdictTable(sentences: Readonly<Record<string, string>>): string {
  const rows = Object.entries(sentences).map(([name, meaning]) => {
    const refusal = REFUSE?.({ valid: false, reason: name } as never)
    const error = /error="(\w+)"/.exec(Object.values(refusal?.headers ?? {}).join())?.[1]
    return [code(name), meaning, String(refusal?.status), code(error ?? '')]
  })
  return table(['verdict', 'meaning', '`status=refuse`', 'RFC 6750 error'], rows)
}

function rateTable(): string {
  const bySubject = new Set(
    [...POLICIES, trustPolicies]
      .flatMap((policies) => Object.values(policies) as Policy<unknown>[])
      .filter(({ callers, limitBy }) => limitBy !== undefined || callers.some((caller) => caller === 'operator'))
      .map(({ limit }) => limit),
  )
  const rows = Object.entries(scaleRates(1)).map(([group, { source, subject }]) => {
    const isBySubject = bySubject.has(group as LimitName)
    const cells = [source.perMinute, source.burst, ...(isBySubject ? [subject.perMinute, subject.burst] : ['', ''])]
    return [code(group)].concat(cells.map(String))
  })
  return table(['group', 'a minute by source', 'burst', 'a minute by subject', 'burst'], rows)
}

function reasonTable(): string {
  const rows = Object.entries(reasons).map(([reason, entry]) => [
    code(reason),
    String(entry.status),
    code(statuses[entry.code]),
    entry.status === 401 ? code('invalid_token') : '',
    entry.title,
    'error' in entry ? code(entry.error) : '',
    code(entry.oauth),
  ])
  const version1 = '`error`, where it is not `detail`'
  return table(['reason', 'HTTP', 'gRPC', 'RFC 6750 error', 'title', version1, 'OAuth `error`'], rows)
}

function callTable(): string {
  const rows = SERVICES.flatMap((service, index) =>
    service.methods.map((method) =>
      callRow(method, (POLICIES[index] as Record<string, Policy<unknown>>)[method.localName]),
    ),
  )
  return table(['gRPC and Connect', 'REST', 'caller', 'changes', 'waits', 'limit'], rows)
}

function callRow(method: DescMethod, policy: Policy<unknown> | undefined): string[] {
  if (policy === undefined) throw new Error(`${method.toString()} has no policy`)
  const paths = restBindings([method.parent])
    .filter((binding) => binding.method === method)
    .map(({ verb, path }) => code(`${verb} ${path.template}`))
  return [
    code(`${method.parent.name}/${method.name}`),
    paths.join(', '),
    policy.callers.join(', '),
    policy.action === undefined ? '' : 'yes',
    policy.endsTokens === true ? 'yes' : '',
    policy.limitWithout === undefined
      ? code(policy.limit)
      : `${code(policy.limit)}; without ${code(policy.limitWithout.field)} ${code(policy.limitWithout.limit)}`,
  ]
}

/** Returns the table of the REST calls: the request without its path, and the answer. */
function messageTable(): string {
  const rows = restBindings(SERVICES).map((binding) => [
    code(`${binding.verb} ${binding.path.template}`),
    requestOf(binding),
    answerOf(binding),
  ])
  return table(['call', 'request, beside the path', 'answer'], rows)
}

function requestOf({ method, path, body }: RestBinding): string {
  if (body !== undefined && body !== '*') return typeOf(body)
  return members(method.input.fields.filter((field) => !path.fields.includes(field)))
}

function answerOf({ method, responseBody }: RestBinding): string {
  return responseBody === undefined ? members(method.output.fields) : typeOf(responseBody)
}

/** Returns the table of the messages that other messages contain. */
function partTable(): string {
  const parts = new Map<string, DescMessage>()
  const visit = ({ fields }: DescMessage): void => {
    for (const { message } of fields) {
      if (message === undefined || message.file.proto.package !== PACKAGE || parts.has(message.name)) continue
      parts.set(message.name, message)
      visit(message)
    }
  }
  for (const { input, output } of SERVICES.flatMap(({ methods }) => methods))
    for (const each of [input, output]) visit(each)
  return table(
    ['part', 'members'],
    [...parts].map(([name, { fields }]) => [name, members(fields)]),
  )
}

function members(fields: readonly DescField[]): string {
  return fields.map((field) => `${code(field.name)} ${typeOf(field)}`).join(', ')
}

function typeOf(field: DescField): string {
  const name =
    field.message === undefined ? scalarOf(field) : (WELL_KNOWN[field.message.typeName] ?? field.message.name)
  return field.fieldKind === 'list' ? `array of ${name}` : name
}

function scalarOf({ scalar }: DescField): string {
  return scalar === undefined ? 'text' : (SCALARS[scalar] ?? 'integer')
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${[row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)].join('\n')}\n`
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`.replaceAll(/ {2,}/g, ' ')
}
