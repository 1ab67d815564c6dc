import { challengeText, claimsOf, contentOf, type Json, readProof, tokenText } from './issuer.ts'

/** The agent's own deployment, another one, and an API of the other one. */
export const ALPHA = 'https://auth.alpha.example'
export const BETA = 'https://beta.example/auth'
export const API = 'https://api.cargo.example/v1'

/** The addresses at which a test changes answers. */
export const AT = {
  metadataOfApi: 'https://api.cargo.example/.well-known/oauth-protected-resource/v1',
  metadataOfBeta: 'https://beta.example/.well-known/oauth-authorization-server/auth',
  tokenOfBeta: `${BETA}/oauth/token`,
  tokenOfAlpha: `${ALPHA}/oauth/token`,
}

/** A request, with its whole text. */
interface Sent {
  readonly method: string
  /** Without query. */
  readonly at: string
  readonly form: Readonly<Record<string, string>>
  readonly authorization: string | undefined
  /** Everything that the server received: address, headers and body. */
  readonly text: string
}

/** Returns another answer. It gets the good one: the object, or the claims of the token in it. */
type Change = (good: Json) => Json | Response

/** Two deployments and APIs in memory. Their signatures are not real. */
export interface TwoDeployments {
  readonly fetch: typeof globalThis.fetch
  readonly sent: Sent[]
  /** Changes all later answers at an address. */
  change(at: string, change: Change): void
  /** Changes the claims of all later grants or tokens at a token endpoint. */
  changeClaims(at: string, change: (claims: Json) => Json): void
  /** Returns the requests to an origin. */
  to(origin: string): readonly Sent[]
  /** The tokens that the own deployment has issued. */
  readonly ownTokens: readonly string[]
}

const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'
/** What a server without such a page answers. */
export const absent = () => new Response('', { status: 404 })

/** Starts the deployments. Each path of the API's origin that begins with `/v` and a digit is an API of its own. */
export function twoDeployments(): TwoDeployments {
  const sent: Sent[] = []
  const ownTokens: string[] = []
  const changes = new Map<string, Change>()
  const claimChanges = new Map<string, (claims: Json) => Json>()
  const signed = (at: string, claims: Json) => tokenText(claimChanges.get(at)?.(claims) ?? claims)
  const answers: Readonly<Record<string, (body: Json, dpop: string) => Json>> = {
    [`${ALPHA}/.well-known/auth4agent`]: () => ({ issuer: ALPHA, token_ttl_seconds: { default: 300 } }),
    [`${ALPHA}/v1/challenge`]: (body) => ({
      challenge: challengeText(contentOf(ALPHA, body)),
      nonce: Buffer.alloc(16, 7).toString('base64url'),
    }),
    [`${ALPHA}/v1/token`]: (body) => {
      const token = tokenText(claimsOf(ALPHA, body))
      ownTokens.push(token)
      return { token, token_type: 'Bearer' }
    },
    [AT.tokenOfAlpha]: ({ client_id: sub, audience: aud, resource, scope, client_assertion: assertion }) => {
      const jkt = payloadOf(String(assertion), 0)['kid']
      const grant = signed(AT.tokenOfAlpha, { iss: ALPHA, sub, aud, resource, scope, cnf: { jkt } })
      return { access_token: grant, issued_token_type: ID_JAG, token_type: 'N_A' }
    },
    [AT.metadataOfBeta]: () => ({ issuer: BETA, token_endpoint: AT.tokenOfBeta }),
    [AT.tokenOfBeta]: ({ assertion, client_id: sub }, dpop) => {
      const { resource, scope } = payloadOf(String(assertion), 1)
      const iat = Math.floor(Date.now() / 1_000)
      const claims = { iss: BETA, sub, aud: [resource], scope: `orders:${String(scope)}`, iat, exp: iat + 300 }
      const cnf = { jkt: readProof(dpop).jkt }
      return {
        access_token: signed(AT.tokenOfBeta, { ...claims, jti: crypto.randomUUID(), cnf }),
        token_type: 'DPoP',
      }
    },
  }
  const good = (at: string, body: Json, dpop: string): Json | Response => {
    const answer = answers[at]
    if (answer !== undefined) return answer(body, dpop)
    const { origin, pathname } = new URL(at)
    const [, api] = /^\/\.well-known\/oauth-protected-resource(\/v\d)$/.exec(pathname) ?? []
    if (api !== undefined) return { resource: origin + api, authorization_servers: [BETA] }
    return pathname.startsWith('/.well-known/') ? absent() : { orders: 1 }
  }
  return {
    sent,
    ownTokens,
    change: (at, change) => void changes.set(at, change),
    changeClaims: (at, change) => void claimChanges.set(at, change),
    to: (origin) => sent.filter(({ at }) => new URL(at).origin === new URL(origin).origin),
    async fetch(input, init) {
      const request = new Request(input, init)
      const { method, headers, url } = request
      const at = url.replace(/\?.*$/, '')
      const body = await request.text()
      const json: Json = body.startsWith('{') ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body))
      const form = Object.fromEntries(new URLSearchParams(body.startsWith('{') ? '' : body))
      const text = JSON.stringify([url, [...headers], body, form])
      sent.push({ method, at, form, authorization: headers.get('authorization') ?? undefined, text })
      const usual = good(at, json, headers.get('dpop') ?? '')
      const answer = changes.get(at)?.(usual instanceof Response ? {} : usual) ?? usual
      return answer instanceof Response ? answer : Response.json(answer)
    },
  }
}

function payloadOf(token: string, part: number): Json {
  return JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString())
}
