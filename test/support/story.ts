import { ISSUER } from './deployment.ts'
import type { DnsServer } from './dns-server.ts'
import { type AgentParty, type Asserter, type Keys, newAgentParty, newKeys, operatorAsserter } from './parties.ts'
import type { Answer, Json, ProtocolClient, TokenBody, Wishes } from './protocol-client.ts'

/** An operator of a story. */
export interface OperatorParty extends Asserter {
  readonly id: string
  readonly domain: string
}

/** An operator with its root key. */
export interface KeyedOperator extends OperatorParty {
  readonly keys: Keys
}

// The functions below make first steps that many stories share. Each of them throws if its step does not succeed.

/** Registers a domain under a fresh key and publishes its record, without confirming the domain. */
export async function publishedOperator(
  client: ProtocolClient,
  dns: Pick<DnsServer, 'setTxt'>,
  domain: string,
  issuer = ISSUER,
): Promise<KeyedOperator> {
  const keys = newKeys()
  const { id } = expectStatus(201, await client.registerOperator(domain, keys))
  const { txt_record_name, txt_record_value } = expectStatus(200, await client.instructions(String(id)))
  dns.setTxt(String(txt_record_name), [String(txt_record_value)])
  return { id: String(id), domain, keys, ...operatorAsserter(keys, String(id), issuer) }
}

/** Creates an operator whose domain is proven by DNS. */
export async function provenOperator(
  client: ProtocolClient,
  dns: Pick<DnsServer, 'setTxt'>,
  domain: string,
  issuer = ISSUER,
): Promise<KeyedOperator> {
  const operator = await publishedOperator(client, dns, domain, issuer)
  const { verified, message } = expectStatus(200, await client.confirm(operator.id))
  if (verified !== true) throw new Error(`${domain} was not confirmed: ${String(message)}`)
  return operator
}

/** Creates an agent that its operator approved by setting its scopes. */
export async function activeAgent(
  client: ProtocolClient,
  operator: OperatorParty,
  scopes: readonly string[] = ['read'],
): Promise<AgentParty> {
  const agent = newAgentParty(operator.domain)
  expectStatus(201, await client.registerAgent(operator.id, agent))
  expectStatus(200, await client.setScopes(operator.id, agent.did, scopes, operator))
  return agent
}

/** Creates a signed challenge that can be redeemed. */
export async function signedChallenge(
  client: ProtocolClient,
  agent: AgentParty,
  wishes: Wishes = {},
): Promise<TokenBody> {
  return { ...signedBody(agent, expectStatus(200, await client.challenge(agent.did))), ...wishes }
}

/** Returns the body that redeems the challenge in an answer. */
export function signedBody(agent: AgentParty, answer: Json): TokenBody {
  const challenge = String(answer.challenge)
  const nonce = String(answer.nonce)
  const signature = agent.sign(challenge, nonce).toString('base64')
  return { did: agent.did, challenge, nonce, signature, scope: 'read', ttl: '15m' }
}

/** Gets a token. Returns the answer. */
export async function issueToken(client: ProtocolClient, agent: AgentParty, wishes: Wishes = {}): Promise<Json> {
  return expectStatus(200, await client.token(await signedChallenge(client, agent, wishes)))
}

/** Returns the body of an answer with this status. Throws with the whole answer otherwise. */
export function expectStatus<T>(status: number, answer: Answer<T>): T {
  if (answer.status === status) return answer.body
  throw new Error(`Expected status ${status}, but got ${answer.status}: ${JSON.stringify(answer.body)}`)
}
