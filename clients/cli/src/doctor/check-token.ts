import { Auth4AgentError, authenticate, type Signer } from '@auth4agent/sdk'
import { hintFor } from '../hints.ts'
import { type Finding, ok, problem } from './finding.ts'
import { objectOf, type Probe } from './probe.ts'

/** Arguments of {@link checkToken}: the agent with its key, and the server. */
interface TokenCheck {
  readonly probe: Probe
  readonly did: string
  readonly signer: Signer
  readonly fetch: typeof globalThis.fetch
  readonly signal: AbortSignal
}

/**
 * Asks for a token without scopes that is valid for 30 seconds. Returns no finding if the server does not answer, or
 * refuses an agent that the finding about the agent already reports as not active.
 */
export async function checkToken({ probe, did, signer, fetch, signal }: TokenCheck): Promise<readonly Finding[]> {
  if ((await probe.get('/health')).kind === 'none') return []
  const { server, issuer } = probe
  try {
    await authenticate({ server, issuer, did, key: signer, ttl: '30s', fetch, signal })
    return [ok('token', 'the agent can get a token')]
  } catch (error) {
    if (!(error instanceof Auth4AgentError)) throw error
    const { reason, message } = error
    if (reason === 'AGENT_NOT_ACTIVE' && (await isKnownInactive(probe, did))) return []
    const cure = hintFor(reason) ?? 'The findings above may explain it.'
    return [problem('token', `the agent cannot get a token: ${message} (${reason})`, cure)]
  }
}

async function isKnownInactive(probe: Probe, did: string): Promise<boolean> {
  const known = objectOf(await probe.get(`/v1/agent/${did}`))
  return known !== undefined && known.status !== 'active'
}
