import { sign as cryptoSign, randomUUID } from 'node:crypto'
import { thumbprintUri } from '@auth4agent/core/delegation/check-derivation'
import { GRANT_ALGORITHM, GRANT_TYPE } from '@auth4agent/core/delegation/grant-types'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { details, idOf } from '../support/grant-chains.ts'
import { type AgentParty, signJws, thumbprintOf } from '../support/parties.ts'
import { postAll } from './load/post-all.ts'
import { withProof } from './load/split-proof.ts'
import { cycle, tokenBodies } from './supply.ts'
import { authentication, form, type OAuthServer, RESOURCE } from './supply-oauth.ts'

/** How many times each chain is handed on. A chain has one grant more. */
export const CHAIN_HOPS = 3

/** Agents that hold the grants. All are agents of one operator. */
const HOLDERS = 12
const SCOPE = 'read'
const DETAILS = details({ [`${RESOURCE}#${SCOPE}`]: {} })

/** An agent with the server's statement about it. */
interface Holder {
  readonly agent: AgentParty
  readonly statement: string
}

/** Returns verifications of new chains, each from a root of its own. They pass through the same agents. */
export async function chainVerifications(
  http: string,
  agents: readonly AgentParty[],
  count: number,
): Promise<string[]> {
  const chains = await newChains(http, agents, count)
  const wanted = { delegation: 'accept', audience: RESOURCE, scope: SCOPE, proof_checked: true }
  return chains.map(({ token }) => JSON.stringify({ token, ...wanted }))
}

/**
 * Returns exchanges of `chainCount` chains again and again (RFC 8693), each with its own assertion and DPoP proof by
 * the last holder.
 */
export async function exchanges(
  http: string,
  server: OAuthServer,
  agents: readonly AgentParty[],
  count: number,
  chainCount: number,
): Promise<string[]> {
  const chains = await newChains(http, agents, Math.min(count, chainCount))
  return Promise.all(
    cycle(chains, count).map(async ({ token, last }) => {
      const { rawPublicKey: publicKey, privateKey } = last
      const signer = { publicKey, sign: async (message: Uint8Array) => cryptoSign(null, message, privateKey) }
      const content = { method: 'POST', url: `${server.issuer}/oauth/token`, nowS: Date.now() / 1_000 }
      const body = form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: 'urn:auth4agent:token-type:grant-chain',
        resource: RESOURCE,
        scope: SCOPE,
        ...authentication(server, last),
      })
      return withProof(await signDpopProof(signer, content), body)
    }),
  )
}

/** A chain, and its last holder. */
interface Chain {
  readonly token: string
  readonly last: AgentParty
}

async function newChains(http: string, agents: readonly AgentParty[], count: number): Promise<readonly Chain[]> {
  const own = agents.filter(({ did }) => domainOf(did) === domainOf(agents[0]?.did ?? '')).slice(0, HOLDERS)
  const holders = await Promise.all(own.map((agent) => holderOf(http, agent)))
  const roots = await issueRoots(http, own, count)
  return roots.map((root, at) => {
    const through = cycle(holders, own.length + CHAIN_HOPS + 1).slice(at % own.length)
    const last = through[CHAIN_HOPS]
    if (last === undefined) throw new RangeError('A chain needs a last holder')
    return { token: handOn(root, through), last: last.agent }
  })
}

async function issueRoots(http: string, agents: readonly AgentParty[], count: number): Promise<string[]> {
  const proofs = await tokenBodies(http, agents, count)
  const bodies = proofs.map((body) => {
    const { did, challenge, nonce, signature }: Record<string, string> = JSON.parse(body)
    return JSON.stringify({ did, challenge, nonce, signature, authorization_details: JSON.stringify(DETAILS) })
  })
  const answers = await postAll({ url: `${http}/v1/grant`, contentType: 'application/json', bodies })
  return answers.map(({ body }) => JSON.parse(body).grant)
}

async function holderOf(http: string, agent: AgentParty): Promise<Holder> {
  const answer = await fetch(`${http}/v1/agent/${agent.did}/holder-statement`)
  const { statement }: { statement: string } = JSON.parse(await answer.text())
  return { agent, statement }
}

/** Signs without the checks of the SDK, which take many times as long. */
function handOn(root: string, holders: readonly Holder[]): string {
  const { iat, exp, del_max_depth }: Record<string, number> = JSON.parse(
    Buffer.from(root.split('.')[1] ?? '', 'base64url').toString(),
  )
  const grants = [root]
  for (const [at, { agent }] of holders.slice(0, CHAIN_HOPS).entries()) {
    const to = holders[at + 1]
    if (to === undefined) throw new RangeError('A chain needs a next holder')
    const claims = {
      iss: thumbprintUri(thumbprintOf({ publicKey: agent.rawPublicKey, privateKey: agent.privateKey })),
      jti: randomUUID(),
      iat,
      exp,
      par_hash: idOf(grants.at(-1) ?? ''),
      del_depth: at + 1,
      del_max_depth,
      cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: to.agent.rawPublicKey.toString('base64url') } },
      a4a_holder: to.statement,
      authorization_details: DETAILS,
    }
    grants.push(signJws({ alg: GRANT_ALGORITHM, typ: GRANT_TYPE }, claims, agent.privateKey))
  }
  return grants.join('~')
}

function domainOf(did: string): string {
  return did.split(':')[2] ?? ''
}
