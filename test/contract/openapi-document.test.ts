import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { statusRefusals } from '../../services/authn/refuse-by-status.ts'
import { methodName } from '../../services/calls/method-name.ts'
import { PUBLIC_SERVICES } from '../../services/compose/public-services.ts'
import { REPRESENTATIONS } from '../../services/compose/representations.ts'
import { createContext } from '../../services/jwks-gateway/gateway-context.ts'
import { callsOf, referenced } from '../../services/jwks-gateway/openapi/openapi-document.ts'
import { gatewayRoutes } from '../../services/jwks-gateway/server.ts'
import { reasons } from '../../services/platform/errors/reasons.ts'
import { fakeRpc } from '../support/fake-rpc.ts'
import { gatewayDeps } from '../support/gateway.ts'
import { createDocumented, document } from '../support/openapi/documented.ts'
import { findPrivateMembers } from '../support/private-members.ts'
import { reasonsOf } from './cases/matrix.ts'
import { isForm, methods, shortName } from './support/contract.ts'

const calls = callsOf(document)
const nameOf = ({ verb, path }: { verb: string; path: string }) => `${verb} ${path}`

/** An object in the document, and the names that lead to it. */
interface Place {
  readonly at: readonly string[]
  readonly value: Readonly<Record<string, unknown>>
}

function objectsIn(value: unknown, at: readonly string[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.entries(value).flatMap(([name, member]) => objectsIn(member, [...at, name]))
  return Array.isArray(value) ? inner : [{ at, value: Object(value) }, ...inner]
}

const STATUSES: ReadonlyMap<string, number> = new Map(
  Object.entries(reasons).map(([reason, { status }]) => [reason, status]),
)

function routesOf(baseUrl: string): string[] {
  const rpc = { ...fakeRpc(), services: Object.values(PUBLIC_SERVICES).flat() }
  const deps = { ...gatewayDeps({ baseUrl }), rpc, representations: REPRESENTATIONS, statusRefusals }
  return gatewayRoutes(createContext(deps, new AbortController().signal)).map(nameOf)
}

describe('gen/openapi.json', () => {
  it('describes every route of the gateway, and no other route', () => {
    expect(calls.map(nameOf).toSorted()).toEqual(routesOf('https://auth.example').toSorted())
  })

  it('has only paths that exist below the server, or at the root if they say so', () => {
    const routes = new Set(routesOf('https://auth.example/a4a'))
    const missing = calls.filter(({ verb, path }) => {
      const isAtRoot = document.paths[path]?.['servers'] !== undefined
      return !routes.has(`${verb} ${isAtRoot ? '' : '/a4a'}${path}`)
    })
    expect(missing.map(nameOf)).toEqual([])
  })

  it('has references that all resolve, and no component that nothing refers to', () => {
    const used = new Set(objectsIn(document).flatMap(({ value: { $ref } }) => (typeof $ref === 'string' ? [$ref] : [])))
    const known = Object.entries(document.components).flatMap(([kind, entries]) =>
      Object.keys(entries).map((name) => `#/components/${kind}/${name}`),
    )
    expect([...used].filter((reference) => !known.includes(reference))).toEqual([])
    const named = known.filter((name) => !name.startsWith('#/components/securitySchemes/'))
    expect(named.filter((name) => !used.has(name))).toEqual([])
  })

  it('gives each call its own operationId, a tag that exists, and security schemes that exist', () => {
    const ids = calls.map(({ operation }) => operation.operationId)
    expect(ids).toHaveLength(new Set(ids).size)
    const tags = document.tags.map(({ name }) => name)
    const schemes = Object.keys(document.components.securitySchemes)
    for (const { operation } of calls) {
      expect(tags).toEqual(expect.arrayContaining([...operation.tags]))
      expect(schemes).toEqual(expect.arrayContaining(operation.security.flatMap((each) => Object.keys(each))))
      expect(operation.summary).toMatch(/^[A-Z].*[^.]$/)
    }
  })

  it('declares exactly the parameters that a path has, each as required', () => {
    for (const { path, operation } of calls) {
      const declared = (operation.parameters ?? []).flatMap((each) =>
        'in' in each && each.in === 'path' ? [each] : [],
      )
      expect(declared.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
      expect(declared.filter(({ required }) => required !== true)).toEqual([])
    }
  })

  it('has only schemas that JSON Schema 2020-12 allows', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    for (const { at, value } of objectsIn(document)) {
      const { schema } = value
      if (schema !== undefined) expect([at, ajv.validateSchema(Object(schema)), ajv.errors]).toEqual([at, true, null])
    }
    for (const [name, schema] of Object.entries(document.components.schemas))
      expect([name, ajv.validateSchema(schema), ajv.errors]).toEqual([name, true, null])
  })

  it.each(
    methods
      .filter((method) => method.name !== 'GetJsonWebKeySet')
      .map((method) => [shortName(method), method] as const),
  )('lists every reason of %s under its status', (_, method) => {
    const call = calls.find(({ operation }) => operation['x-rpc'] === methodName(method))
    const responses = Object.entries(call?.operation.responses ?? {})
    const listed = responses.flatMap(([status, each]) => {
      const response = '$ref' in each ? document.components.responses[referenced(each)] : each
      return (response?.['x-reasons'] ?? []).map((reason) => [reason, Number(status)] as const)
    })
    expect(listed.map(([reason]) => reason).toSorted()).toEqual([...reasonsOf(method)].toSorted())
    if (isForm(method)) return
    expect(listed.filter(([reason, status]) => STATUSES.get(reason) !== status)).toEqual([])
  })

  it('has examples that match the schemas beside them', () => {
    const { mismatches } = createDocumented(document)
    const examples = objectsIn(document).filter(({ value }) => 'example' in value && 'schema' in value)
    expect(examples.length).toBeGreaterThan(150)
    const problems = examples.flatMap(({ at, value }) =>
      mismatches([...at, 'schema'], value['example']).map((problem) => `${at.join(' ')}: ${problem}`),
    )
    expect(problems).toEqual([])
  })

  it('shows no private key and no token that could work', () => {
    const text = JSON.stringify(document)
    expect(findPrivateMembers(document)).toEqual([])
    const tokens = new Set(text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g))
    expect([...tokens]).toEqual(['eyJhbGciOiJFZERTQSJ9.eyJleGFtcGxlIjoxfQ.c2lnbmF0dXJl'])
  })
})
