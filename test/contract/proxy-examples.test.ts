import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readRouteDemands } from '../../services/authn/authz/route-demands.ts'
import { readExtensions } from '../../services/jwks-gateway/authz/read-extensions.ts'
import { isMapping, type Json, readCheckout, readYaml } from '../support/deploy/files.ts'

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
})
