import type { OperatorPolicy } from '@auth4agent/sdk'
import { type Finding, ok, problem, warning } from './finding.ts'

const CHECK = 'mcp'
const PAGE = 'docs/mcp.md says how.'

/** An answer to a request without a token. */
export interface Unauthorized {
  readonly status: number
  /** The header WWW-Authenticate. */
  readonly challenge: string | null
}

type Json = Readonly<Record<string, unknown>>

/** Judges what an MCP server answers without a token (RFC 9728 section 5.1). */
export function judgeChallenge(url: string, { status, challenge }: Unauthorized): Finding {
  if (status !== 401) {
    const message = `${url} answers ${status} without a token, not 401, so no program begins a sign-in`
    return problem(CHECK, message, `Put the verifier before the MCP server. ${PAGE}`)
  }
  if (metadataIn(challenge) !== undefined) return ok(CHECK, 'a request without a token learns where the metadata are')
  const message = `The header WWW-Authenticate of ${url} names no resource_metadata, so some programs find no server`
  return problem(CHECK, message, `Answer with Bearer resource_metadata="…" (RFC 9728 section 5.1). ${PAGE}`)
}

/** Returns the address of the metadata in a challenge. */
export function metadataIn(challenge: string | null): string | undefined {
  return /\bresource_metadata="([^"]+)"/.exec(challenge ?? '')?.[1]
}

/** Judges the metadata of an MCP server (RFC 9728). `metadata` is undefined if there are none. */
export function judgeResource(url: string, issuer: string, at: string, metadata: Json | undefined): Finding {
  if (metadata === undefined) {
    return problem(CHECK, `There are no metadata at ${at}`, `Serve them there as JSON (RFC 9728). ${PAGE}`)
  }
  const { resource, authorization_servers: servers } = metadata
  if (resource !== url) {
    const message = `The metadata name the resource ${String(resource)}, but programs use ${url}`
    return problem(CHECK, message, 'Use one text for both, byte for byte: also the slash at the end counts.')
  }
  if (!Array.isArray(servers) || !servers.includes(issuer)) {
    const message = `The metadata do not name ${issuer} in authorization_servers`
    return problem(CHECK, message, 'Name the issuer there, byte for byte.')
  }
  return ok(CHECK, `the metadata name ${url} and ${issuer}`)
}

/** What programs look for in the metadata of the authorization server, and the members where they look. */
const NEEDED = [
  ['code_challenge_methods_supported', 'S256'],
  ['token_endpoint_auth_methods_supported', 'none'],
  ['response_types_supported', 'code'],
] as const

/** Judges the metadata of the authorization server (RFC 8414). */
export function judgeAuthorizationServer(metadata: Json | undefined): Finding {
  const missing = [
    ...(typeof metadata?.['authorization_endpoint'] === 'string' ? [] : ['authorization_endpoint']),
    ...(metadata?.['client_id_metadata_document_supported'] === true ? [] : ['client_id_metadata_document_supported']),
    ...NEEDED.flatMap(([name, value]) => {
      const list = metadata?.[name]
      return Array.isArray(list) && list.includes(value) ? [] : [`${value} in ${name}`]
    }),
  ]
  if (missing.length === 0) return ok(CHECK, 'the authorization server offers what browser clients look for')
  const message = `The metadata of the authorization server do not have ${missing.join(', ')}`
  return problem(CHECK, message, 'The administrator must update the server, or the proxy that answers for it.')
}

/** Judges whether users may come to an MCP server: its rule in the policy, and the providers of its operator. */
export function judgeUsers(
  url: string,
  policy: Pick<OperatorPolicy, 'audiences'>,
  { domain, providers }: { readonly domain: string; readonly providers: number },
): readonly Finding[] {
  const set = `auth4agent policy set --audience ${url}`
  const users = policy.audiences.find(({ audience }) => audience === url)?.users
  if (!users || users.domains.length === 0) {
    const like = policy.audiences.find(({ audience }) => audience.replace(/\/$/, '') === url.replace(/\/$/, ''))
    const near = like === undefined || like.audience === url ? '' : ` There is a rule for ${like.audience}.`
    const cure = `Run \`${set} --user-domains ${domain} --user-clients any --user-scope 'TOOL=Words for the page'\`.`
    return [problem(CHECK, `No user may come to ${url}.${near}`, cure)]
  }
  const own = users.domains.includes(domain) || users.domains.includes('*')
  const others = users.domains.filter((each) => each !== domain)
  const lacksProvider = own && providers === 0
  return [
    ok(CHECK, `users of ${users.domains.join(', ')} may come to ${url}`),
    ...(users.scopes.length > 0
      ? []
      : [problem(CHECK, 'The rule has no scope, so nobody can allow anything', `Run \`${set} --user-scope …\`.`)]),
    ...(lacksProvider
      ? [problem(CHECK, `${domain} has no identity provider`, 'Name it: `auth4agent provider put NAME ISSUER …`.')]
      : []),
    ...(users.clients === 'any'
      ? []
      : [
          warning(
            CHECK,
            'Only clients that you have allowed may act for users',
            `Allow each by \`auth4agent client allow URL\`, or all by \`${set} --user-clients any\`.`,
          ),
        ]),
    ...(others.length === 0
      ? []
      : [
          warning(
            CHECK,
            `Users of ${others.join(', ')} can come only if their operators agree`,
            `There, \`auth4agent policy set --users-to ${domain}\` agrees, and an identity provider must be named.`,
          ),
        ]),
  ]
}
