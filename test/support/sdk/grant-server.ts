import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { signHolderStatement, signRootGrant } from '@auth4agent/core/delegation/sign-grant'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { verifyGrantChain } from '../../../services/revocation/verify-grant-chain.ts'
import { CHAIN_ISSUER, countingKeys, GRANT_KEY, holderDid, OPERATOR } from '../grant-chains.ts'
import { type IdentityKey, identityKey } from '../key-events.ts'
import { challengeText, type Json, readProof, tokenText } from './issuer.ts'

/** An agent that the server knows, and its key, which may change. */
interface KnownAgent<T extends Pick<IdentityKey, 'publicKey'> = IdentityKey> {
  readonly did: string
  key: T
}

/** A request to the server or to an API. */
interface Seen {
  readonly path: string
  readonly url: string
  /** The members of JSON, or the parameters of a form, of which `resource` is a list. */
  readonly body: Json
  readonly headers: Headers
}

/** Changes an answer. */
type Change = (good: Json) => Json | Response | Promise<Json>

/** A server in memory that issues genuine grants and statements. Any other origin is an API. */
export interface GrantServer {
  readonly fetch: typeof globalThis.fetch
  readonly seen: readonly Seen[]
  /** Creates an agent. */
  readonly agent: (name: string, domain?: string) => KnownAgent
  /** Adds an agent that was created elsewhere. */
  readonly know: (agent: KnownAgent<Pick<IdentityKey, 'publicKey'>>) => void
  /** Changes the next answer to a path. */
  next(path: string, change: Change): void
  count(path: string): number
  /** Returns the grants of a chain. Throws unless it is genuine. */
  hopsOf(chain: string): ReturnType<typeof hopsOf>
}

const ANSWERED_BY_API = 'API'
const METADATA_OF_API = 'metadata of API'

/** Starts a server with a clock. */
export function grantServer(clock: { wallMs(): number }): GrantServer {
  const agents = new Map<string, KnownAgent<Pick<IdentityKey, 'publicKey'>>>()
  const seen: Seen[] = []
  const changes = new Map<string, Change[]>()
  const nowS = () => Math.floor(clock.wallMs() / 1000)
  const holder = (did: unknown, lifetimeS: number) => {
    const known = agents.get(String(did))
    if (known === undefined) throw new RangeError('The server does not know this agent')
    const { key } = known
    const about = { did: known.did, operatorId: OPERATOR, epoch: [1, 1] as const, publicKey: key.publicKey }
    return { ...about, issuer: CHAIN_ISSUER, iat: nowS(), exp: nowS() + lifetimeS }
  }
  const good = async (path: string, body: Json, headers: Headers): Promise<Json | Response> => {
    if (path === METADATA_OF_API) return new Response('', { status: 404 })
    if (path === '/oauth/token') return exchanged(body, headers, nowS())
    const [, statementOf] = /^\/v1\/agent\/(.*)\/holder-statement$/.exec(path) ?? []
    if (statementOf !== undefined) {
      const about = holder(statementOf, 3600)
      const statement = await signHolderStatement(GRANT_KEY_SIGNER, about)
      const expires_at = new Date(about.exp * 1000).toISOString()
      return { statement, public_key: encodeBase64(about.publicKey), expires_at }
    }
    if (path === '/.well-known/auth4agent') return { issuer: CHAIN_ISSUER, token_ttl_seconds: { default: 900 } }
    if (path === '/v1/revoke/token') return { jti: body.jti ?? 'revoked', revoked_at: '2026-09-21T14:00:00Z' }
    if (path === '/v1/challenge') return { challenge: challengeText(contentOf(body, nowS())), nonce: NONCE }
    if (path !== '/v1/grant') return {}
    const capabilities = parseCapabilities(JSON.parse(String(body.authorization_details)))
    if (!capabilities.ok) throw new RangeError(capabilities.rule)
    const about = holder(body.did, Number(String(body.ttl).replace('s', '')))
    const more = { capabilities: capabilities.value, maxDepth: Number(body.max_depth) }
    return {
      grant: await signRootGrant(GRANT_KEY_SIGNER, { ...about, ...more, allowedDomains: ['acme.test', 'b.test'] }),
    }
  }
  return {
    seen,
    agent(name, domain) {
      const key = identityKey(name)
      const known = { did: holderDid(key, domain), key }
      agents.set(known.did, known)
      return known
    },
    know: (agent) => void agents.set(agent.did, agent),
    next: (path, change) => void changes.set(path, [...(changes.get(path) ?? []), change]),
    count: (path) => seen.filter((each) => each.path === path).length,
    hopsOf,
    async fetch(input, init) {
      const request = new Request(input, init)
      const url = new URL(request.url)
      const path = url.origin === CHAIN_ISSUER ? url.pathname : isMetadata(url) ? METADATA_OF_API : ANSWERED_BY_API
      const body = path === ANSWERED_BY_API ? {} : bodyOf(await request.text())
      seen.push({ path, url: request.url, body, headers: request.headers })
      const usual = await good(path, body, request.headers)
      const answer = (await changes.get(path)?.shift()?.(usual instanceof Response ? {} : usual)) ?? usual
      return answer instanceof Response ? answer : Response.json(answer)
    },
  }
}

/** The paths under which requests to an API, and for its metadata, are counted. */
export const API_PATH = ANSWERED_BY_API
export const METADATA_PATH = METADATA_OF_API

const NONCE = Buffer.alloc(16, 7).toString('base64url')
const GRANT_KEY_SIGNER = { publicKey: GRANT_KEY.publicKey, sign: GRANT_KEY.sign }

/** Reads a body of JSON or of a form. */
function bodyOf(text: string): Json {
  if (text.startsWith('{')) return JSON.parse(text)
  const form = new URLSearchParams(text)
  return { ...Object.fromEntries(form), ...(form.has('resource') && { resource: form.getAll('resource') }) }
}

function isMetadata({ pathname }: URL): boolean {
  return pathname.startsWith('/.well-known/oauth-protected-resource')
}

/** Answers an exchange of a chain (RFC 8693 section 2.2.1) with a token for five minutes. */
function exchanged(body: Json, headers: Headers, iat: number): Json {
  const [root = ''] = String(body.subject_token).split('~')
  const { sub } = JSON.parse(Buffer.from(root.split('.')[1] ?? '', 'base64url').toString())
  const { scope = '', resource: aud, client_id } = body
  const times = { iat, exp: iat + 300 }
  const cnf = { jkt: readProof(headers.get('dpop') ?? '').jkt }
  const claims = { iss: CHAIN_ISSUER, sub, client_id, aud, scope, ...times, cnf, jti: crypto.randomUUID() }
  return {
    access_token: tokenText(claims),
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'DPoP',
    expires_in: 300,
    scope,
  }
}

function contentOf({ did, authorization_details, ttl, max_depth }: Json, nowS: number): Json {
  const details = sha256Text(String(authorization_details), 'base64url')
  const bound = { details, ttl: Number(String(ttl).replace('s', '')), depth: max_depth }
  return { v: 1, iss: CHAIN_ISSUER, did, exp: nowS + 300, kid: 'k', ...bound }
}

async function hopsOf(chain: string) {
  const verified = await verifyGrantChain(chain, { issuer: CHAIN_ISSUER, keys: countingKeys() })
  if (verified.ok) return verified.chain.hops
  throw new Error(`The chain is refused: ${verified.reason}, ${verified.rule}`)
}
