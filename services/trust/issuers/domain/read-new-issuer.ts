import { isUuid } from '@auth4agent/core/encoding/uuid'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { isTokenAlgorithm, TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { IssuerKind, RevocationMode } from '../../../../gen/prisma/enums.ts'
import type { AddIssuerRequest } from '../../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { isEntityId } from '../../../federation/domain/entity-id.ts'
import { parseDomain } from '../../../operator-registry/index.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { type AddressRules, parseEndpoint, parseIssuer } from './parse-issuer.ts'
import { parseWatchKey } from './parse-watch-key.ts'

/** An issuer as the administrator describes it, checked and with defaults. */
export interface NewIssuer {
  readonly issuer: string
  readonly kind: IssuerKind
  readonly algorithms: TokenAlgorithm[]
  readonly tokenType: string
  /** Empty if the keys come from a trust chain. */
  readonly jwksUri: string
  /** The anchor of the trust chain that attests the issuer; null if the administrator vouches for it. */
  readonly anchor: string | null
  readonly revocationMode: RevocationMode
  readonly introspectionUri: string | null
  readonly statusListUri: string | null
  readonly actsAs: string | null
  /** The secret to seal; undefined with the modes status_list and none. */
  readonly secret: string | undefined
  readonly maxTokenTtl: number
  readonly maxStalenessMs: number
  /** The domain that the administrator pins, and the id of its operator. */
  readonly domain: { readonly domain: string; readonly operatorId: string } | undefined
}

const TOKEN_TYPE = 'at+jwt'
/** A media type without `application/` (RFC 7515 section 4.1.9). */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}$/
/** Characters of client ids and secrets (RFC 6749 appendix A). */
const VISIBLE = /^[\x20-\x7e]{1,1024}$/
const TTL = { max: 3600, none: 300 } as const
const STALENESS = { min: 2_000, max: 60_000, usual: 5_000 } as const
/** Issuers make status lists for minutes. */
const LIST_STALENESS = { min: 2_000, max: 300_000, usual: 300_000 } as const

/** The revocation modes of each kind. */
const MODES: Readonly<Record<IssuerKind, readonly RevocationMode[]>> = {
  auth4agent: ['log', 'status_list', 'none'],
  oauth: ['introspection', 'status_list', 'none'],
}

/**
 * Checks what the administrator says about a new issuer, and fills in the defaults.
 *
 * @throws ApiError INVALID_ISSUER, INVALID_ALGORITHM, INVALID_DOMAIN, INVALID_SIGNING_KEY or INVALID_ARGUMENT
 */
export async function readNewIssuer(request: AddIssuerRequest, rules: AddressRules): Promise<NewIssuer> {
  const kind = oneOf('kind', request.kind, ['auth4agent', 'oauth'])
  const issuer = parseIssuer(request.issuer, kind, rules)
  const revocationMode = oneOf(`revocation_mode of the kind ${kind}`, request.revocationMode, MODES[kind])
  return {
    issuer,
    kind,
    algorithms: readAlgorithms(request.algorithms, kind),
    tokenType: readTokenType(request.tokenType, kind),
    ...readOrigin(request, issuer, rules),
    revocationMode,
    ...(await readRevocationFields(request, revocationMode, rules)),
    statusListUri: readStatusListUri(request, revocationMode, rules),
    maxTokenTtl: readTtl(request.maxTokenTtl, revocationMode),
    maxStalenessMs: readStaleness(request.maxStalenessMs, revocationMode),
    domain: readDomain(request.domain, kind, issuer, rules),
  }
}

type KeyOrigin = Pick<NewIssuer, 'jwksUri' | 'anchor'>

/** Reads where the keys come from. An issuer of a federation never gets keys from elsewhere. */
function readOrigin({ anchor, jwksUri }: AddIssuerRequest, issuer: string, rules: AddressRules): KeyOrigin {
  if (anchor === '') {
    if (jwksUri === '') return { jwksUri: defaultJwksUri(issuer), anchor: null }
    return { jwksUri: parseEndpoint('jwks_uri', jwksUri, rules), anchor: null }
  }
  if (jwksUri !== '') throw invalid('jwks_uri must be empty with an anchor, because the keys come from the trust chain')
  if (!isEntityId(anchor)) throw invalid('anchor must be the entity identifier of a trust anchor')
  return { jwksUri: '', anchor }
}

/** Returns the address of the JWKS of an issuer for which the administrator has named none. */
export function defaultJwksUri(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}

function oneOf<T extends string>(field: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text)
  if (found !== undefined) return found
  throw invalid(`${field} must be ${allowed.join(' or ')}`)
}

function readAlgorithms(texts: readonly string[], kind: IssuerKind): TokenAlgorithm[] {
  if (texts.length === 0 && kind === 'auth4agent') return ['EdDSA']
  const known = texts.filter(isTokenAlgorithm)
  if (known.length === texts.length && known.length > 0 && new Set(known).size === known.length) return known
  const detail = `algorithms must name at least one of ${TOKEN_ALGORITHMS.join(', ')}, each once`
  throw new ApiError('INVALID_ALGORITHM', detail)
}

function readTokenType(text: string, kind: IssuerKind): string {
  if (text === '') return TOKEN_TYPE
  if (kind === 'auth4agent' && text !== TOKEN_TYPE) {
    throw invalid(`token_type of the kind auth4agent must be ${TOKEN_TYPE} or empty`)
  }
  if (MEDIA_TYPE.test(text)) return text
  throw invalid('token_type must be the value of typ, such as at+jwt, with at most 64 characters')
}

type RevocationFields = Pick<NewIssuer, 'actsAs' | 'secret' | 'introspectionUri'>

async function readRevocationFields(
  { actsAs, secret, introspectionUri }: AddIssuerRequest,
  mode: RevocationMode,
  rules: AddressRules,
): Promise<RevocationFields> {
  if (mode !== 'introspection' && introspectionUri !== '') {
    throw invalid('introspection_uri must be empty unless the revocation_mode is introspection')
  }
  if (mode === 'none' || mode === 'status_list') {
    if (actsAs === '' && secret === '') return { actsAs: null, secret: undefined, introspectionUri: null }
    throw invalid(`acts_as and secret must be empty with the revocation_mode ${mode}`)
  }
  if (mode === 'log') {
    if (!isUuid(actsAs)) throw invalid('acts_as must be the id of your operator at the issuer, a UUID in lower case')
    return { actsAs, secret: await parseWatchKey(secret), introspectionUri: null }
  }
  if (!VISIBLE.test(actsAs) || !VISIBLE.test(secret)) {
    throw invalid('acts_as and secret must be a client id and its secret: 1 to 1024 visible ASCII characters')
  }
  return { actsAs, secret, introspectionUri: parseEndpoint('introspection_uri', introspectionUri, rules) }
}

/** The addresses of lists begin with it, so without the slash it would also be the beginning of another host. */
function readStatusListUri(request: AddIssuerRequest, mode: RevocationMode, rules: AddressRules): string | null {
  const { kind, statusListUri } = request
  if (statusListUri === '') return null
  if (mode !== 'status_list' || kind !== 'oauth') {
    throw invalid('status_list_uri must be empty unless the kind is oauth and the revocation_mode is status_list')
  }
  const { pathname, search } = new URL(parseEndpoint('status_list_uri', statusListUri, rules))
  if (pathname.endsWith('/') && search === '') return statusListUri
  throw invalid('status_list_uri must have a path that ends with a slash, and no query')
}

function readTtl(seconds: number, mode: RevocationMode): number {
  const max = mode === 'none' ? TTL.none : TTL.max
  if (seconds === 0) return max
  if (seconds >= 1 && seconds <= max) return seconds
  throw invalid(`max_token_ttl must be 0 to ${max} seconds with the revocation_mode ${mode}`)
}

function readStaleness(ms: number, mode: RevocationMode): number {
  const { min, max, usual } = mode === 'status_list' ? LIST_STALENESS : STALENESS
  if (ms === 0) return usual
  if (ms >= min && ms <= max) return ms
  throw invalid(`max_staleness_ms must be 0, or ${min} to ${max} with the revocation_mode ${mode}`)
}

function readDomain(text: string, kind: IssuerKind, issuer: string, rules: AddressRules): NewIssuer['domain'] {
  if (kind === 'oauth') {
    const domain = parseDomain(text, { testDomains: rules.testDomains })
    return { domain, operatorId: operatorId({ issuer, domain, thumbprint: '' }) }
  }
  if (text === '') return undefined
  throw invalid('domain must be empty for the kind auth4agent, because the DNS record of each domain decides')
}
