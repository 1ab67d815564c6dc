import type { DidDocument } from '@auth4agent/core/identity/did-document'
import { type KeyChange, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { useWorld } from '../../contract/support/run-cases.ts'
import type { AgentName, SeededAgent } from '../../contract/support/seed.ts'
import { identityKeyOf, p256Key, stateOf } from '../../support/key-events.ts'

/** A DID resolution result. */
export interface Resolution {
  readonly didDocument: DidDocument | null
  readonly didResolutionMetadata: Readonly<Record<string, unknown>>
  readonly didDocumentMetadata: Readonly<Record<string, unknown>>
}

/** An answer over HTTP. */
export interface Answer {
  readonly status: number
  readonly type: string | null
  readonly text: string
}

const RESULT = 'application/did-resolution'

/** Starts a world, and returns how its DIDs are resolved over HTTP. */
export function useResolver() {
  const world = useWorld()

  async function get(path: string, accept: string): Promise<Answer> {
    const response = await fetch(`${world().server.baseUrl}${path}`, { headers: { accept } })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }

  return {
    agent: (name: AgentName): SeededAgent => world().agents[name],
    get,
    /** Resolves a text as the universal resolver does. */
    resolve: async (did: string, query = ''): Promise<Resolution> =>
      JSON.parse((await get(`/1.0/identifiers/${encodeURIComponent(did)}${query}`, RESULT)).text) as Resolution,
    /** Adds a P-256 key to an agent with a recorded inception. */
    async addKey(name: AgentName): Promise<void> {
      const { did, pair } = world().agents[name]
      const response = await fetch(`${world().server.baseUrl}/v1/agent/${did}/events`)
      const { events } = (await response.json()) as { events: { event: string }[] }
      const signer = identityKeyOf(pair.seed)
      const change: KeyChange = {
        type: 'add-key',
        key: p256Key('did'),
        label: 'TPM',
        exp: Math.floor(Date.now() / 1_000) + 3_600,
      }
      const event = await signKeyEvent(signer, stateOf(events.map((each) => each.event)), change, Date.now() / 1_000)
      const appended = await fetch(`${world().server.baseUrl}/v1/agent/${did}/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ event }),
      })
      if (!appended.ok) throw new Error(await appended.text())
    },
  }
}
