import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>

/** What a server answers; `headers` go beside those that it sends anyway. */
interface Answer {
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that came. */
interface Seen {
  readonly path: string
  readonly body: Json
}

/** An issuer on loopback that answers as a test wants it to. Its MACs and signatures are made up. */
export interface FakeIssuer extends AsyncDisposable {
  /** Address and issuer. */
  readonly url: string
  readonly seen: readonly Seen[]
  /** Replaces the next answers to a path, one each; a function gets the good answer. Undefined leaves one as it is. */
  next(
    path: string,
    ...answers: readonly (Answer | ((good: Json, body: Json) => Answer | Promise<Answer>) | undefined)[]
  ): void
  /** How many requests of a path came. */
  count(path: string): number
}

const TOKEN_TTL_S = 100

/** What a fake challenge says, encoded as a server does. */
export function challengeText(content: object): string {
  return Buffer.concat([Buffer.from(JSON.stringify(content)), Buffer.alloc(32, 1)]).toString('base64url')
}

/** A token with these claims. */
export function tokenText(claims: object): string {
  return ['at+jwt', claims, 'signature']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
}

/** What a challenge for such a request says. */
export function contentOf(iss: string, { did, scope, audience, ttl }: Json): Json {
  const seconds = Number(String(ttl).replace('s', ''))
  return { v: 1, iss, did, exp: nowS() + 300, kid: 'k', scope, aud: audience, ttl: seconds }
}

/** The claims of a token for such a request. */
export function claimsOf(iss: string, { did, scope, audience, ttl }: Json): Json {
  const iat = nowS()
  return {
    iss,
    sub: did,
    aud: audience,
    scope,
    iat,
    exp: iat + Number(String(ttl).replace('s', '')),
    jti: crypto.randomUUID(),
  }
}

const nowS = () => Math.floor(Date.now() / 1000)

/** Starts one. */
export async function startIssuer(): Promise<FakeIssuer> {
  const seen: Seen[] = []
  const scripts = new Map<string, (Answer | ((good: Json, body: Json) => Answer | Promise<Answer>) | undefined)[]>()
  const nonce = createHash('md5').digest('base64url')
  let url = ''
  const good: Readonly<Record<string, (body: Json) => Json>> = {
    '/.well-known/auth4agent': () => ({ issuer: url, token_ttl_seconds: { default: TOKEN_TTL_S } }),
    '/v1/challenge': (body) => ({ challenge: challengeText(contentOf(url, body)), nonce }),
    '/v1/token': (body) => ({ token: tokenText(claimsOf(url, body)), token_type: 'Bearer' }),
  }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? ''
    const body: Json = JSON.parse((await textOf(request)) || '{}')
    seen.push({ path, body })
    const usual = good[path]?.(body) ?? {}
    const script = scripts.get(path)?.shift()
    const {
      status = 200,
      body: sent = usual,
      headers = {},
    } = typeof script === 'function' ? await script(usual, body) : (script ?? {})
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof sent === 'string' ? sent : JSON.stringify(sent))
  }
  const server = createServer((request, response) => void answer(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  url = `http://127.0.0.1:${address.port}`
  return {
    url,
    seen,
    next: (path, ...answers) => void scripts.set(path, [...(scripts.get(path) ?? []), ...answers]),
    count: (path) => seen.filter((each) => each.path === path).length,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}
