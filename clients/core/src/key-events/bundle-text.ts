import { decodeBase64, encodeBase64 } from '../encoding/base64.ts'
import { parseStrictJsonText } from '../encoding/strict-json.ts'

/**
 * The history of an agent that moves to another server, and the statement with which its operator released it.
 *
 * @example
 * ```ts
 * import type { AgentBundle } from '@auth4agent/core/key-events/bundle-text'
 *
 * const moveOf = ({ events }: AgentBundle) => events.at(-1)
 * ```
 */
export interface AgentBundle {
  /** The whole log, oldest event first. The last event is the move. */
  readonly events: readonly string[]
  /** The operator's statement of release. */
  readonly release: string
  /** Issuer of the server that the agent leaves. */
  readonly issuer: string
  /** The root key with which the releasing operator registered, raw, 32 bytes. The operator's id names it. */
  readonly foundingPublicKey: Uint8Array
  /** Manifests of the operator's keys until the release, oldest first. */
  readonly manifests: readonly string[]
}

const MEMBERS = new Set(['events', 'release', 'issuer', 'founding_public_key', 'manifests'])

/**
 * Returns a bundle as JSON: the answer of `GET /v1/agent/{did}/bundle`, and the field `bundle` of AdmitAgent.
 *
 * @example
 * ```ts
 * import { formatAgentBundle } from '@auth4agent/core/key-events/bundle-text'
 *
 * await writeFile('agent-bundle.json', formatAgentBundle(bundle))
 * ```
 */
export function formatAgentBundle({ events, release, issuer, foundingPublicKey, manifests }: AgentBundle): string {
  return JSON.stringify({ events, release, issuer, founding_public_key: encodeBase64(foundingPublicKey), manifests })
}

/**
 * Reads the JSON of a bundle. It must have exactly the members of a bundle. Verifies nothing else: that is what
 * `verifyAgentBundle` does.
 *
 * @returns undefined for any other text
 * @example
 * ```ts
 * import { parseAgentBundle } from '@auth4agent/core/key-events/bundle-text'
 *
 * const bundle = parseAgentBundle(await readFile('agent-bundle.json', 'utf8'))
 * ```
 */
export function parseAgentBundle(text: string): AgentBundle | undefined {
  const json = parseStrictJsonText(text)
  if (!json.ok || Object.keys(json.value).some((name) => !MEMBERS.has(name))) return undefined
  const { events, release, issuer, founding_public_key: key, manifests } = json.value
  const foundingPublicKey = typeof key === 'string' ? decodeBase64(key) : undefined
  if (foundingPublicKey === undefined || typeof release !== 'string' || typeof issuer !== 'string') return undefined
  if (!areTexts(events) || !areTexts(manifests)) return undefined
  return { events, release, issuer, foundingPublicKey, manifests }
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
