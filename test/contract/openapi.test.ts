import { readEvents } from '@auth4agent/core/revocation/event-stream'
import type { DescMethod, JsonObject, JsonValue } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { type Call, callsOf, type Parameter } from '../../services/jwks-gateway/openapi/openapi-document.ts'
import { callOf, createDocumented, document, problemsOf } from '../support/openapi/documented.ts'
import { EXAMPLES_FILE, type Example } from '../support/openapi/examples.ts'
import { type ValidRequest, validRequests } from './cases/valid-requests.ts'
import { methods, restForm, shortName } from './support/contract.ts'
import { sendHttp } from './support/http.ts'
import { normalAnswer, normalEvents, normalExample } from './support/normal-example.ts'
import { useWorld } from './support/run-cases.ts'
import { sendExample } from './support/send-example.ts'
import type { World } from './support/world.ts'

const world = useWorld()
const watchRevocations: DescMethod = RevocationService.method.watchRevocations
const EVENTS = ['paths', '/v1/revocations', 'get', 'responses', '200', 'content', 'text/event-stream', 'x-events']
const documented = createDocumented(document)

/** Calls about a token that other examples end. */
const FIRST = new Set(['AuthnService.VerifyToken', 'OAuthService.Introspect'])
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
  'RevocationService.WatchRevocations': () => ({ until_head: true }),
  'AuthnService.VerifyToken': ({ token, issuer }) => ({ token: token(), audience: issuer, scope: 'read' }),
  'OperatorRegistryService.SuspendOperator': ({ operators: { bravo } }) => ({ id: bravo.id }),
  'AgentMoveService.ObjectToMove': ({ agents: { leaving } }) => ({
    operator_id: leaving.operatorId,
    agent: leaving.id,
  }),
}
/** What a successful request needs, of those that no descriptor describes. */
const NEEDS: Readonly<Record<string, (of: World) => { readonly query: string; readonly authorization: string }>> = {
  '/v1/authz': ({ token, issuer }) => ({
    query: `?audience=${encodeURIComponent(issuer)}`,
    authorization: `Bearer ${token()}`,
  }),
}
const IS_JSON = /json$|^application\/did-resolution$/

const rank = (method: DescMethod) => (FIRST.has(shortName(method)) ? -2 : LAST.indexOf(shortName(method)))
const table = methods
  // The document has an entry by hand for it.
  .filter((method) => method !== KeysService.method.getJsonWebKeySet)
  .toSorted((a, b) => rank(a) - rank(b))
  .map((method) => [shortName(method), method] as const)

describe('the paths of gen/openapi.json that have no example', () => {
  const plain = callsOf(document).filter(({ operation }) => operation['x-rpc'] === undefined)

  it.each(plain.map((call) => [call.path, call] as const))('%s: the answer is as documented', async (path, call) => {
    const accept = mediaTypesOf(call).join()
    const { query = '', authorization } = NEEDS[path]?.(world()) ?? {}
    const headers = { accept, ...(authorization !== undefined && { authorization }) }
    const sent = call.operation.requestBody?.content['application/json']?.example
    const json = sent === undefined ? {} : { body: JSON.stringify(sent) }
    const answer = await sendHttp(world().server.baseUrl, { verb: call.verb, path: path + query, headers, ...json })
    const { status, text } = answer
    const mediaType = String(answer.headers['content-type'])
    expect(documented.problemsOf(call, { status, mediaType, body: bodyOf(mediaType, text) })).toEqual([])
    expect([200, 201, 204].filter((each) => String(each) in call.operation.responses)).toEqual([status])
  })
})

describe('the examples of gen/openapi.json', () => {
  const recorded: Record<string, Example> = {}

  it.each(table)('%s: the request gets the documented answer', async (name, method) => {
    const request = (OTHERS[name] ?? validRequests[name])?.(world()) ?? {}
    const { status, headers, text } = await sendExample(world(), method, request)
    const mediaType = String(headers['content-type'])
    const body = bodyOf(mediaType, text)
    recorded[name] = { request: exampleRequest(request), status, mediaType, answer: exampleAnswer(mediaType, text) }
    expect(problemsOf(method, { status, mediaType, body })).toEqual([])
    if (method === watchRevocations) await expectEvents(text)
    expect(documentedRequest(method)).toEqual(recorded[name].request)
  })

  it('are those of this server', async () => {
    await expect(`${JSON.stringify(recorded, undefined, 2)}\n`).toMatchFileSnapshot(EXAMPLES_FILE)
  })
})

/** Expects that a stream has every kind of event, and that the data of each event is as documented. */
async function expectEvents(text: string): Promise<void> {
  const seen = new Set<string>()
  for await (const { name, data } of readEvents(chunksOf(text))) {
    expect(documented.mismatches([...EVENTS, name], JSON.parse(data))).toEqual([])
    seen.add(name)
  }
  expect([...seen]).toEqual(['record', 'head'])
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

function bodyOf(mediaType: string, text: string): JsonValue {
  return IS_JSON.test(mediaType) ? JSON.parse(text) : text
}

function exampleAnswer(mediaType: string, text: string): JsonValue {
  return mediaType === 'text/event-stream' ? normalEvents(text) : normalAnswer(bodyOf(mediaType, text))
}

function mediaTypesOf({ operation }: Call): readonly string[] {
  const response = operation.responses['200'] ?? operation.responses['201']
  return response !== undefined && 'content' in response ? Object.keys(response.content ?? {}) : []
}

function exampleRequest(request: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(request).map(([name, value]) => [name, normalExample(value, name)]))
}

/** Returns the request that the document shows. */
function documentedRequest(method: DescMethod): JsonObject {
  const { operation } = callOf(method)
  const { body } = restForm(method)
  const parameters = (operation.parameters ?? []).filter((each): each is Parameter => 'example' in each)
  const [content] = Object.values(operation.requestBody?.content ?? {})
  const sent = content?.example
  const fields = body === '*' ? Object(sent) : sent === undefined ? {} : { [body]: sent }
  return { ...Object.fromEntries(parameters.map(({ name, example }) => [name, example])), ...fields }
}
