import { Auth4AgentError, authenticate, type Signer } from '@auth4agent/sdk'
import { hintFor } from '../hints.ts'
import { type Finding, ok, problem } from './finding.ts'
import type { Probe } from './probe.ts'

/** An agent that can sign. */
interface TokenCheck {
  readonly probe: Probe
  readonly did: string
  readonly signer: Signer
  readonly fetch: typeof globalThis.fetch
  readonly signal: AbortSignal
}

/** Asks for a token without scopes, of the shortest life, and forgets it. Nothing where the server does not answer at all. */
export async function checkToken({ probe, did, signer, fetch, signal }: TokenCheck): Promise<readonly Finding[]> {
  if ((await probe.get('/health')).kind === 'none') return []
  const { server, issuer } = probe
  try {
    await authenticate({ server, issuer, did, key: signer, ttl: '30s', fetch, signal })
    return [ok('token', 'a token can be had')]
  } catch (error) {
    if (!(error instanceof Auth4AgentError)) throw error
    const { reason, message } = error
    const cure = hintFor(reason) ?? 'Look at the findings above, which may be why.'
    return [problem('token', `no token can be had: ${message} (${reason})`, cure)]
  }
}
