import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>

/** An answer of the server. The server adds `headers` to those that it always sends. */
interface Answer {
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that was received. The parameters of a form are the members of its body. */
interface Seen {
  readonly path: string
  readonly body: Json
  readonly headers: IncomingHttpHeaders
}

/** An issuer on loopback whose answers a test sets. Its MACs and signatures are not real. */
export interface FakeIssuer extends AsyncDisposable {
  /** The address of the server, which is also its issuer. */
  readonly url: string
  readonly seen: readonly Seen[]
  /**
   * Replaces the next answers to a path, in order. A function gets the good answer and returns another one. Undefined
   * keeps the good answer.
   */
  next(
    path: string,
    ...answers: readonly (Answer | ((good: Json, body: Json) => Answer | Promise<Answer>) | undefined)[]
  ): void
  /** Returns how many requests of a path were received. */
  count(path: string): number
  /** Returns the DPoP proofs that a path received. */
  proofs(path: string): readonly Proof[]
}

/** The parts of a DPoP proof. Its signature is not verified. */
export interface Proof {
  readonly text: string
  readonly header: Json
  readonly claims: Json
  /** The thumbprint of its key. */
  readonly jkt: string
}

const TOKEN_TTL_S = 100

/** Reads a DPoP proof. */
export function readProof(text: string): Proof {
  const [header = {}, claims = {}] = text.split('.').map((part, index): Json => {
    return index < 2 ? JSON.parse(Buffer.from(part, 'base64url').toString()) : {}
  })
  const { x } = Object(header.jwk)
  return { text, header, claims, jkt: thumbprint(Buffer.from(String(x), 'base64url')) }
}

/** Encodes the content of a fake challenge as a server does. */
export function challengeText(content: object): string {
  return Buffer.concat([Buffer.from(JSON.stringify(content)), Buffer.alloc(32, 1)]).toString('base64url')
}

/** Creates a token with these claims. */
export function tokenText(claims: object): string {
  return ['at+jwt', claims, 'signature']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
}

/** Returns the content of a challenge for such a request. */
export function contentOf(iss: string, { did, scope, audience, ttl, may_act }: Json): Json {
  const seconds = Number(String(ttl).replace('s', ''))
  return { v: 1, iss, did, exp: nowS() + 300, kid: 'k', scope, aud: audience, ttl: seconds, may_act }
}

/** Returns the claims of a token for such a request. */
export function claimsOf(iss: string, { did, scope, audience, ttl, may_act }: Json): Json {
  const iat = nowS()
  return {
    iss,
    sub: did,
    aud: audience,
    scope,
    iat,
    exp: iat + Number(String(ttl).replace('s', '')),
    jti: crypto.randomUUID(),
    ...(typeof may_act === 'string' && { may_act: { sub: may_act } }),
  }
}

const nowS = () => Math.floor(Date.now() / 1000)

/** Answers of further paths, which get the address of the server and the body. */
export type MoreAnswers = Readonly<Record<string, (url: string, body: Json) => Json>>

/** Starts a fake issuer. */
export async function startIssuer(more: MoreAnswers = {}): Promise<FakeIssuer> {
  const seen: Seen[] = []
  const scripts = new Map<string, (Answer | ((good: Json, body: Json) => Answer | Promise<Answer>) | undefined)[]>()
  const nonce = createHash('md5').digest('base64url')
  let url = ''
  const good: Readonly<Record<string, (body: Json, proof: Proof | undefined) => Json>> = {
    '/.well-known/auth4agent': () => ({ issuer: url, token_ttl_seconds: { default: TOKEN_TTL_S } }),
    '/v1/challenge': (body) => ({ challenge: challengeText(contentOf(url, body)), nonce }),
    '/v1/token': (body, proof) => ({
      token: tokenText({ ...claimsOf(url, body), ...(proof && { cnf: { jkt: proof.jkt } }) }),
      token_type: proof === undefined ? 'Bearer' : 'DPoP',
    }),
  }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? ''
    const { headers: sent } = request
    const body = readBody(await textOf(request), sent['content-type'])
    seen.push({ path, body, headers: sent })
    const usual = good[path]?.(body, proofOf(sent)) ?? more[path]?.(url, body) ?? {}
    const script = scripts.get(path)?.shift()
    const {
      status = 200,
      body: answered = usual,
      headers = {},
    } = typeof script === 'function' ? await script(usual, body) : (script ?? {})
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof answered === 'string' ? answered : JSON.stringify(answered))
  }
  const server = createServer((request, response) => void answer(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port')
  url = `http://127.0.0.1:${address.port}`
  return {
    url,
    seen,
    next: (path, ...answers) => void scripts.set(path, [...(scripts.get(path) ?? []), ...answers]),
    count: (path) => seen.filter((each) => each.path === path).length,
    proofs: (path) => seen.flatMap((each) => (each.path === path ? (proofOf(each.headers) ?? []) : [])),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function readBody(text: string, type: string | undefined): Json {
  return type === 'application/x-www-form-urlencoded'
    ? Object.fromEntries(new URLSearchParams(text))
    : JSON.parse(text || '{}')
}

function proofOf({ dpop }: IncomingHttpHeaders): Proof | undefined {
  return typeof dpop === 'string' ? readProof(dpop) : undefined
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}
