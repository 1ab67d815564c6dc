import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { ed25519Jwk, type KeyChange, type KeySigner, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { type AgentSigner, createAgent, createTransport, openCalls, type Signer } from '@auth4agent/sdk'
import { signObjection } from '../../../clients/sdk/src/key-events/sign-objection.ts'
import { type PublicServer, reasonOfCall } from '../../support/public-server.ts'

/** Makes a call at each instance of a server. Returns the results without repetitions. */
async function everywhere<T>(
  { deployment }: PublicServer,
  call: (server: string) => Promise<T>,
): Promise<readonly T[]> {
  return [...new Set(await Promise.all(deployment.servers.map(({ baseUrl }) => call(baseUrl))))]
}

/** Returns whether a token is valid at the instances of a server. */
export function verdicts(at: PublicServer, token: string): Promise<readonly boolean[]> {
  return everywhere(at, async (server) => (await openCalls({ server }).verifyToken(token)).valid)
}

/** Lets an agent sign in at each instance of a server. Returns the reasons of the refusals, or `done`. */
export function signIns(at: PublicServer, did: string, key: AgentSigner): Promise<readonly string[]> {
  return everywhere(at, async (server) => {
    const agent = createAgent({ server, issuer: at.issuer, did, key, scopes: ['read'] })
    const reason = await reasonOfCall(agent.token())
    agent.close()
    return reason
  })
}

/** Returns the text of an agent's events, oldest first. */
export async function logOf({ issuer }: PublicServer, did: string): Promise<readonly string[]> {
  return (await openCalls({ server: issuer }).keyEvents(did)).events.map(({ event }) => event)
}

/** Returns the state after a log. */
export function stateOf(events: readonly string[]) {
  const history = replayKeyEvents(events)
  if (!history.ok) throw new Error(`Event ${history.at} is wrong: ${history.demand}`)
  return history.state
}

/** Signs the next event of a log, whether the log may have it or not. */
export function forge(events: readonly string[], signer: Signer, change: KeyChange): Promise<string> {
  return signKeyEvent(signer, stateOf(events), change, Date.now() / 1000)
}

/** Makes a key ready to prove itself in an event. */
export function proving(signer: Signer): KeySigner {
  return { alg: 'EdDSA', jwk: ed25519Jwk(signer.publicKey), sign: (message) => signer.sign(message) }
}

/** Sends an event to each instance of a server without the checks of the SDK. Returns the reasons of the refusals. */
export function send(at: PublicServer, did: string, event: string): Promise<readonly string[]> {
  return post(at, `/v1/agent/${did}/events`, { event })
}

/** Objects to the recovery with this digest at each instance of a server. Returns the reasons of the refusals. */
export async function object(at: PublicServer, did: string, key: Signer, event: string): Promise<readonly string[]> {
  const objection = await signObjection(key, { did, event, nowS: Date.now() / 1000 })
  return post(at, `/v1/agent/${did}/objections`, { objection })
}

function post(at: PublicServer, path: string, body: object): Promise<readonly string[]> {
  return everywhere(at, (server) => reasonOfCall(createTransport({ server })({ method: 'POST', path, body })))
}
