import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readRouteDemands } from '../../services/authn/authz/route-demands.ts'
import { readExtensions } from '../../services/jwks-gateway/authz/read-extensions.ts'
import { at, isMapping, type Json, readCheckout, readYaml, textAt } from '../support/deploy/files.ts'

/** A question in a configuration, up to the end of its text. */
const QUESTION = /\/v1\/authz\?([^\s;"']+)/g

/** What a proxy of an example demands: the query of its question, or the context extensions of a route. */
const DEMANDS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ...globSync('deploy/examples/*/*.{conf,cfg,yaml}').flatMap(queriesIn),
  ...globSync('deploy/examples/{envoy,istio}/*.yaml').flatMap((path) =>
    readYaml(readCheckout, path).flatMap((document) => extensionsIn(document).map((found) => [path, found] as const)),
  ),
  ...queriesIn('deploy/examples/caddy/Caddyfile'),
]

function queriesIn(path: string) {
  return [...readFileSync(path, 'utf8').matchAll(QUESTION)].map(
    ([, query = '']) => [path, readExtensions(query)] as const,
  )
}

function extensionsIn(value: Json): readonly Readonly<Record<string, string>>[] {
  if (Array.isArray(value)) return value.flatMap(extensionsIn)
  if (!isMapping(value)) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'context_extensions' && isMapping(inner) ? [textsOf(inner)] : extensionsIn(inner),
  )
}

/** Keeps the type of each value: Envoy refuses a flag or a number in place of a text. */
function textsOf(mapping: Readonly<Record<string, Json>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mapping).map(([key, text]) => {
      if (typeof text !== 'string') throw new TypeError(`${key} must be a text`)
      return [key, text]
    }),
  )
}

/** Types of the configurations of Envoy that the example must set. */
const FILTERS = 'type.googleapis.com/envoy.extensions.filters'
const EXT_AUTHZ = `${FILTERS}.http.ext_authz.v3.ExtAuthz`
const CONNECTIONS = `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`

/** Returns the mappings under a key, or those with a type, at any depth. */
function within(value: Json, where: string): readonly Json[] {
  if (Array.isArray(value)) return value.flatMap((each) => within(each, where))
  if (!isMapping(value)) return []
  const own: readonly Json[] = value['@type'] === where ? [value] : []
  const named = value[where] === undefined ? [] : [value[where]]
  return own.concat(
    named,
    Object.values(value).flatMap((inner) => within(inner, where)),
  )
}

describe('The examples of proxies', () => {
  it('demand something of a token in each folder', () => {
    const folders = new Set(DEMANDS.map(([path]) => path.split('/')[2]))
    expect([...folders].toSorted((one, other) => String(one).localeCompare(String(other)))).toEqual([
      'caddy',
      'envoy',
      'haproxy',
      'istio',
      'kong',
      'nginx',
      'traefik',
    ])
  })

  it.each(DEMANDS)(
    '%s asks a question that the server accepts, with audience, scope and operators',
    (_path, demands) => {
      expect(Object.keys(demands)).toEqual(expect.arrayContaining(['audience', 'scope', 'operators']))
      expect(readRouteDemands(demands, 'https://auth.example.com')).not.toHaveProperty('reason')
    },
  )

  it.each<[string, string, string, string]>([
    ['envoy/envoy.yaml', EXT_AUTHZ, 'failure_mode_allow', 'false'],
    ['envoy/envoy.yaml', EXT_AUTHZ, 'status_on_error.code', 'ServiceUnavailable'],
    ['envoy/envoy.yaml', CONNECTIONS, 'common_http_protocol_options.headers_with_underscores_action', 'REJECT_REQUEST'],
    ['istio/mesh-config.yaml', 'envoyExtAuthzGrpc', 'failOpen', 'false'],
    ['istio/mesh-config.yaml', 'envoyExtAuthzGrpc', 'statusOnError', '503'],
    ['istio/ask.yaml', 'spec', 'action', 'CUSTOM'],
    ['traefik/dynamic.yaml', 'forwardAuth', 'trustForwardHeader', 'false'],
    ['traefik/dynamic.yaml', 'customRequestHeaders', 'Authorization', ''],
    ['traefik/dynamic.yaml', 'customRequestHeaders', 'DPoP', ''],
  ])('%s: in %s, %s is "%s", because no test can run this proxy', (path, where, name, expected) => {
    const [found, ...others] = readYaml(readCheckout, `deploy/examples/${path}`).flatMap((each) => within(each, where))
    expect(others.filter((other) => at(other, name) !== undefined)).toEqual([])
    expect(at(found, name)).toBeDefined()
    expect(textAt(found, name)).toBe(expected)
  })

  it.each(['envoy/envoy.yaml', 'istio/ask.yaml'])('%s keeps the token from the API', (path) => {
    const demands = DEMANDS.filter(([file]) => file === `deploy/examples/${path}`)
    expect(demands.map(([, { forward_token: forwarded }]) => forwarded)).toEqual(demands.map(() => 'false'))
  })
})
