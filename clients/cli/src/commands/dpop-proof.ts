import { readDelegatedClaims } from '@auth4agent/core/delegation/delegated-token'
import { isChain } from '@auth4agent/core/delegation/is-chain'
import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
import { normalizeHtu } from '@auth4agent/core/dpop/htu'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { readAccessToken, readTokenJws } from '@auth4agent/core/token/access-token'
import { loadSigningAgent } from '../agent-key.ts'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { agentKeyFlag } from '../common-flags.ts'
import { ANY_ISSUER_KEY, namedIssuer, readChain } from '../grants/read-chain.ts'
import { readToken } from '../secrets.ts'
import { shared } from '../shared-flags.ts'

const METHOD = /^[A-Z]+(-[A-Z]+)*$/

/** `dpop-proof create`: prints a DPoP proof. */
export const dpopProof = defineCommand({
  help: [
    "Prints a DPoP proof (RFC 9449) that the agent's key has signed, for curl and scripts. A request with a token of `auth4agent token issue --dpop` or `auth4agent grant exchange`, or with a chain of grants, needs such a proof in its header `DPoP`. The proof is valid for about a minute, and only once, for one method and URL.",
    'Without --token the proof is only valid for requests that carry no token, such as the request for a token at the OAuth endpoint.',
    'If the API answers with the error use_dpop_nonce, make a new proof with the nonce of its header `DPoP-Nonce`: --nonce NONCE.',
  ],
  examples: [
    {
      does: 'with curl, and a token that `token issue --dpop --output token` wrote',
      line: 'curl https://api.example.com/orders -H "Authorization: DPoP $(cat token)" -H "DPoP: $(auth4agent dpop-proof create --method GET --url https://api.example.com/orders --token @token)"',
    },
    {
      does: "for the server's OAuth endpoint",
      line: 'auth4agent dpop-proof create --method POST --url https://auth.example.com/oauth/token',
    },
  ],
  flags: {
    ...agentKeyFlag,
    method: { ...shared.method, required: true },
    url: { ...shared.url, required: true },
    token: {
      ...shared.token,
      more: 'or the chain of grants; the request carries it',
    },
    nonce: { ...shared.nonce, more: 'the one of the API' },
  },
  async run(context) {
    const { flags, now, answer } = context
    const [method, url, given, nonce] = [
      flags.required('method'),
      flags.required('url'),
      flags.text('token'),
      flags.text('nonce'),
    ]
    if (!METHOD.test(method)) throw usageError('--method must be in capital letters, as in the request: GET')
    if (normalizeHtu(url) === undefined) throw usageError('--url must be an absolute http or https URL')
    const { key } = await loadSigningAgent(context)
    const accessToken = given === undefined ? undefined : await readToken(given, context)
    if (accessToken !== undefined) await expectBound(accessToken, signerKid(key), now() / 1000)
    const proof = await signDpopProof(key, { method, url, nowS: now() / 1000, accessToken, nonce })
    answer({ dpop_proof: proof }, proof, proof)
  },
})

/** Throws CliError unless the token or chain is bound to the key, because no API would accept the proof. */
async function expectBound(token: string, jkt: string, nowS: number): Promise<void> {
  const bound = isChain(token) ? await keyOfChain(token, nowS) : keyOfToken(token)
  if (bound === jkt) return
  const [message, hint] =
    bound === undefined
      ? [
          'The token is not bound to a key',
          'Send it as a bearer token, or get a bound one: `auth4agent token issue --dpop`',
        ]
      : ['The token is bound to another key', 'Name the file of that key: --key FILE']
  throw new CliError(message, {
    reason: bound === undefined ? 'TOKEN_NOT_BOUND' : 'PROOF_INVALID',
    exit: 'refused',
    hint,
  })
}

/** Returns the thumbprint of the key to which a token is bound; undefined for a bearer token. */
function keyOfToken(token: string): string | undefined {
  if (isDelegatedToken(token)) {
    const jws = readTokenJws(token)
    const claims = 'payload' in jws ? readDelegatedClaims(jws.payload) : undefined
    if (claims !== undefined) return claims.cnf?.jkt
  }
  const read = readAccessToken(token)
  if ('verdict' in read) throw usageError('--token must be an access token of the server, or a chain of grants')
  return read.claims.cnf?.jkt
}

/** Returns the thumbprint of the key of a chain's last holder. */
async function keyOfChain(chain: string, nowS: number): Promise<string | undefined> {
  const { hops, refusal } = await readChain(chain, { issuer: namedIssuer(chain), keys: ANY_ISSUER_KEY, nowS })
  if (refusal === undefined) return hops.at(-1)?.jkt
  throw new CliError(`The chain of grants is refused (${refusal.reason})`, {
    reason: refusal.reason,
    exit: 'refused',
    hint: '`auth4agent grant explain FILE` says why',
  })
}
