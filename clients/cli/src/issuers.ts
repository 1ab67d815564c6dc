import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { Administrator, AdmittedIssuer } from '@auth4agent/sdk'
import { configurationError } from './cli-error.ts'
import { shown } from './hidden.ts'
import { columns, lines } from './text.ts'

/** The argument of commands about one issuer. */
export const issuerArgument = {
  name: 'ISSUER',
  help: 'the issuer, such as https://auth.example, or its id, as `issuer list` shows them',
  required: true,
} as const

/** Finds an issuer by its URL, byte for byte, or by its id. Throws CliError. */
export async function findIssuer({ issuers }: Pick<Administrator, 'issuers'>, given: string): Promise<AdmittedIssuer> {
  const found = (await issuers.list()).find(({ id, issuer }) => (isUuid(given) ? id : issuer) === given)
  if (found !== undefined) return found
  throw configurationError(
    `The server has no issuer ${shown(given)}`,
    '`auth4agent issuer list` shows all issuers. An issuer must be written exactly as there.',
  )
}

/** Writes issuers as a table. */
export function issuerTable(issuers: readonly AdmittedIssuer[]): string {
  if (issuers.length === 0) return 'no issuer is admitted'
  const rows = issuers.map(({ issuer, kind, status, revocation_mode, keys_as_of, problem }) => [
    issuer,
    kind,
    status,
    revocation_mode,
    keys_as_of ?? '',
    problem ?? '',
  ])
  return columns([['ISSUER', 'KIND', 'STATUS', 'REVOCATIONS', 'KEYS AS OF', 'PROBLEM'], ...rows])
}

/** Writes one issuer with its domains and keys. */
export function describeIssuer(issuer: AdmittedIssuer): string {
  const { algorithms, max_token_ttl, max_staleness_ms, domains, keys, ...rest } = issuer
  const facts = lines({
    issuer: rest.issuer,
    id: rest.id,
    kind: rest.kind,
    status: rest.status,
    algorithms: algorithms.join(', '),
    'token type': rest.token_type,
    'jwks uri': rest.jwks_uri === '' ? undefined : rest.jwks_uri,
    anchor: rest.anchor,
    'chain expires at': rest.chain_expires_at,
    revocations: rest.revocation_mode,
    'acts as': rest.acts_as,
    'introspection uri': rest.introspection_uri,
    'status list uri': rest.status_list_uri,
    'longest lifetime': `${max_token_ttl}s`,
    'longest staleness': `${max_staleness_ms}ms`,
    generation: rest.generation,
    'accepted from': rest.accepted_from,
    'keys as of': rest.keys_as_of,
    'revocations as of': rest.revocations_as_of,
    problem: rest.problem,
  })
  const parts = [
    facts,
    ...(domains.length === 0
      ? []
      : [
          columns([
            ['DOMAIN', 'OPERATOR', 'BY', 'PROVEN'],
            ...domains.map(({ domain, operator_id, by, proven_at }) => [domain, operator_id, by, proven_at ?? '']),
          ]),
        ]),
    ...(keys.length === 0
      ? []
      : [columns([['KID', 'ALG', 'STATE'], ...keys.map(({ kid, alg, state }) => [kid, alg, state])])]),
  ]
  return parts.join('\n\n')
}
