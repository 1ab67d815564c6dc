import { type DelegatedClaims, parseDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import { delegatedLookups } from '@auth4agent/core/delegation/delegated-token'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { sign } from '@auth4agent/core/keys/ed25519'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { Call } from '../../services/calls/call.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { checkAtDatabase } from '../../services/revocation/check-token.ts'
import type { TestInstance } from './authn.ts'
import type { TestHolder } from './authn-agents.ts'
import { SHOP } from './held-chains.ts'
import { anonymous } from './identity.ts'

/** The URL of the token endpoint. */
const TOKEN_URL = 'https://auth.example/oauth/token'
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
export const GRANT_CHAIN = 'urn:auth4agent:token-type:grant-chain'

type Wishes = Parameters<TestInstance['oauthToken']>[1]

/** Returns a call with a DPoP proof for the token endpoint by an agent's identity key. */
export async function provenCall({ publicKey, key }: Pick<TestHolder, 'publicKey' | 'key'>, edits = {}): Promise<Call> {
  const signer = { publicKey, sign: async (message: Uint8Array) => sign(key, message) }
  const text = await signDpopProof(signer, { method: 'POST', url: TOKEN_URL, nowS: Date.now() / 1000, ...edits })
  return { ...anonymous(), dpop: { text, method: 'POST', url: TOKEN_URL } }
}

/** Exchanges a chain of grants for what it allows at the shop, unless the wishes say otherwise. */
export async function exchangeChain(
  instance: TestInstance,
  client: TestHolder,
  chain: string,
  wishes: Wishes = {},
  call?: Call,
) {
  const request = { subjectToken: chain, subjectTokenType: GRANT_CHAIN, resource: [SHOP], scope: 'read', ...wishes }
  return instance.oauthToken(client, { grantType: EXCHANGE, ...request }, call ?? (await provenCall(client)))
}

/** Exchanges an access token for a token for the shop, unless the wishes say otherwise. */
export function exchangeToken(
  instance: TestInstance,
  client: TestHolder,
  token: string,
  wishes: Wishes = {},
  call?: Call,
) {
  return exchangeChain(instance, client, token, { subjectTokenType: ACCESS_TOKEN, ...wishes }, call)
}

/** Reads the claims and the `kid` of a delegated token. Throws if the token is malformed. */
export function readDelegated(token = ''): { readonly claims: DelegatedClaims; readonly kid: string } {
  const [header = '', body = ''] = token.split('.')
  const payload = parseStrictJson(Buffer.from(body, 'base64url'))
  const claims = payload.ok ? parseDelegatedClaims(payload.value) : undefined
  if (claims === undefined) throw new RangeError(`The token is not a delegated token: ${token}`)
  return { claims, kid: JSON.parse(Buffer.from(header, 'base64url').toString()).kid }
}

/** Asks the database why a delegated token has ended. Undefined if it has not. */
export async function endOfDelegated({ pool }: Db, token = ''): Promise<Verdict | undefined> {
  const lookups = delegatedLookups(readDelegated(token)).map((lookup) => lookup.token)
  return (await checkAtDatabase(pool, lookups)).answer?.verdict
}
