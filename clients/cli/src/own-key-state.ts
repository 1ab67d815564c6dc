import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { Operator, OperatorKeySet } from '@auth4agent/sdk'
import type { OwnOperatorKey } from './own-keys.ts'

/** What the server knows about a key of this folder. */
export interface OwnKeyState {
  readonly kid: string
  /** The label in the manifest, or else the one in the folder. */
  readonly label: string
  /** Whether the manifest contains the key, as root key or with roles. */
  readonly isKnown: boolean
  readonly isRoot: boolean
  readonly roles: readonly string[]
  /** Unix seconds; undefined for a root key. */
  readonly exp: number | undefined
}

/** Finds a key of this folder among the keys of the operator. */
function stateOfKey({ signer, label }: OwnOperatorKey, { rootKeys, keys }: OperatorKeySet): OwnKeyState {
  const kid = signerKid(signer)
  const root = rootKeys.find((key) => key.kid === kid)
  if (root !== undefined) return { kid, label: root.label, isKnown: true, isRoot: true, roles: [], exp: undefined }
  const key = keys.find((each) => each.kid === kid)
  if (key === undefined) return { kid, label, isKnown: false, isRoot: false, roles: [], exp: undefined }
  return { kid, label: key.label, isKnown: true, isRoot: false, roles: key.roles, exp: key.exp }
}

/** The state of an operator and of one of its keys. */
export interface OperatorView {
  /** RFC 3339; undefined if the operator is not frozen. */
  readonly frozenAt: string | undefined
  /** RFC 3339; undefined if the domain is not proven. */
  readonly verifiedAt: string | undefined
  /** Undefined if the server did not tell the keys. */
  readonly key: OwnKeyState | undefined
}

/**
 * Asks the server for the state of an operator and of a key. Resolves with undefined if the server does not answer. A
 * key that the server does not accept has a state that says so.
 */
export async function viewKey(operator: Operator, own: OwnOperatorKey): Promise<OperatorView | undefined> {
  const state = await operator.status().catch(() => undefined)
  if (state === undefined) return undefined
  const [frozenAt, verifiedAt] = [state.frozen_at || undefined, state.domain_verified_at || undefined]
  try {
    return { frozenAt, verifiedAt, key: stateOfKey(own, await operator.keys.get()) }
  } catch (error) {
    const reason = error instanceof Error && 'reason' in error ? error.reason : undefined
    const isRefused = reason === 'INVALID_ASSERTION' || reason === 'ASSERTION_EXPIRED'
    const { signer, label } = own
    const unknown = { kid: signerKid(signer), label, isKnown: false, isRoot: false, roles: [], exp: undefined }
    return { frozenAt, verifiedAt, key: isRefused ? unknown : undefined }
  }
}
