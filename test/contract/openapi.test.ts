import type { DescMethod, JsonObject, JsonValue } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { methodName } from '../../services/chain/method-name.ts'
import type { Call, Parameter } from '../../services/jwks-gateway/openapi/openapi-document.ts'
import { callsByRpc, createDocumented, document } from '../support/openapi/documented.ts'
import { EXAMPLES_FILE, type Example } from '../support/openapi/examples.ts'
import { normalAnswer, normalExample } from '../support/openapi/normal-example.ts'
import { type ValidRequest, validRequests } from './cases/valid-requests.ts'
import { methods, restForm, shortName } from './support/contract.ts'
import { useWorld } from './support/run-cases.ts'
import { sendExample } from './support/send-example.ts'

const world = useWorld()
const calls = callsByRpc()
const { problemsOf } = createDocumented(document)

/** Calls about a token that other examples end. */
const FIRST = ['AuthnService.VerifyToken', 'OAuthService.Introspect']
/** Calls that end something which other examples need. They come last, in this order. */
const LAST = [
  'IdentityService.SetAgentScopes',
  'AttestationPolicyService.PutAttestationRequirement',
  'AgentKeyService.AppendKeyEvent',
  'IdentityService.SuspendAgent',
  'IdentityService.RevokeAgent',
  'AttestationPolicyService.DeleteAttestor',
  'IssuerService.AddIssuer',
  'OperatorRegistryService.EndAllTokens',
  'OperatorRegistryService.SuspendOperator',
  'OperatorKeyService.SetOperatorKeys',
  'OperatorRegistryService.ReleaseDomain',
  'KeysService.RotateSigningKeys',
  'KeysService.MarkKeyCompromised',
  'RevocationService.EndAllTokensOfDeployment',
]
/** Requests in place of the usual ones, because another example ends what these need, or shows less. */
const OTHERS: Readonly<Record<string, ValidRequest>> = {
  'AuthnService.VerifyToken': ({ token, issuer }) => ({ token: token(), audience: issuer, scope: 'read' }),
  'OperatorRegistryService.SuspendOperator': ({ operators: { bravo } }) => ({ id: bravo.id }),
  'AgentMoveService.ObjectToMove': ({ agents: { leaving } }) => ({
    operator_id: leaving.operatorId,
    agent: leaving.id,
  }),
}
/** Calls without an example in the document, and why. */
const WITHOUT = ['RevocationService.WatchRevocations', 'KeysService.GetJsonWebKeySet']

const IS_JSON = /json$|^application\/did-resolution$/

const rank = (method: DescMethod) => (FIRST.includes(shortName(method)) ? -2 : LAST.indexOf(shortName(method)))
const table = methods
  .filter((method) => !WITHOUT.includes(shortName(method)))
  .toSorted((a, b) => rank(a) - rank(b))
  .map((method) => [shortName(method), method] as const)

describe('the examples of gen/openapi.json', () => {
  const recorded: Record<string, Example> = {}

  it.each(table)('%s: the request gets the documented answer', async (name, method) => {
    const call = calls.get(methodName(method))
    if (call === undefined) throw new Error(`${name} is missing in the document`)
    const request = (OTHERS[name] ?? validRequests[name])?.(world()) ?? {}
    const { status, headers, text } = await sendExample(world(), method, request)
    const mediaType = String(headers['content-type'])
    const body: JsonValue = IS_JSON.test(mediaType) ? JSON.parse(text) : text
    recorded[name] = { request: exampleRequest(request), status, mediaType, answer: normalAnswer(body) }
    expect(problemsOf(call, { status, mediaType, body })).toEqual([])
    expect(documentedRequest(call, method)).toEqual(recorded[name].request)
  })

  it('are those of this server', async () => {
    await expect(`${JSON.stringify(recorded, undefined, 2)}\n`).toMatchFileSnapshot(EXAMPLES_FILE)
  })
})

function exampleRequest(request: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(request).map(([name, value]) => [name, normalExample(value, name)]))
}

/** Returns the request that the document shows. */
function documentedRequest({ operation }: Call, method: DescMethod): JsonObject {
  const { body } = restForm(method)
  const parameters = (operation.parameters ?? []).filter((each): each is Parameter => 'example' in each)
  const [content] = Object.values(operation.requestBody?.content ?? {})
  const sent = content?.example
  const fields = body === '*' ? Object(sent) : sent === undefined ? {} : { [body]: sent }
  return { ...Object.fromEntries(parameters.map(({ name, example }) => [name, example])), ...fields }
}
