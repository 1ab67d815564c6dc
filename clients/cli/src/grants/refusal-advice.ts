import type { GrantReason } from '@auth4agent/core/delegation/refusal'

const NEW_GRANT = 'Ask the agent that gave this grant for a new one.'
const NEW_ROOT = 'Get a new root grant from the server, and derive the chain again.'
const LESS = 'Derive the grant again, with no more than its parent has: `auth4agent grant inspect` shows the parent.'
const BROKEN = 'The text was changed, cut off or not made by a program of this protocol. Get the chain again.'
const LATEST = 'Update the program that made the grant, or this program: they do not agree about the format.'

/** What to do about a refused grant or chain, for every reason. */
export const refusalAdvice: Readonly<Record<GrantReason, string>> = {
  CHAIN_TOO_LARGE: 'Delegate over fewer agents, or with fewer capabilities in each grant.',
  MALFORMED_GRANT: BROKEN,
  UNSUPPORTED_ALGORITHM: 'Sign grants with an Ed25519 key and the alg `Ed25519`.',
  RESTRICTION_UNKNOWN: LATEST,
  GRANT_REPEATED: 'Each grant needs a jti of its own. Derive the second one again.',
  ROOT_EXPECTED: 'Begin the chain with the grant of the server, and separate the grants with `~`.',
  WRONG_ISSUER: 'Use the chain at services of its own issuer, or name the right server: --server URL, --issuer ISSUER.',
  UNKNOWN_KEY: `The key may have been withdrawn after a compromise. ${NEW_ROOT}`,
  SIGNATURE_INVALID: 'The server did not sign this root grant. Do not trust it, and find out where it comes from.',
  NOT_BY_HOLDER:
    'The holder of the parent must sign the grant with its identity key. Grants may also be missing or in another order.',
  PARENT_MISMATCH: 'Join the grant with exactly the chain from which it was derived.',
  DEPTH_OUT_OF_SEQUENCE: LESS,
  DEPTH_EXCEEDED: 'The parent may not be handed on so often. Ask for a grant with a larger depth.',
  DEPTH_RAISED: LESS,
  LIFETIME_EXTENDED: 'Derive the grant again with a shorter lifetime, and with a new holder statement.',
  ISSUED_BEFORE_PARENT: "The signer's clock is behind. Set the clock, and derive the grant again.",
  GRANT_NOT_YET_VALID: "This machine's clock is behind, or the signer's is ahead. `auth4agent doctor` compares clocks.",
  LIFETIME_TOO_LONG: 'A grant lasts at most an hour. Renew it before it expires.',
  GRANT_EXPIRED: NEW_GRANT,
  HOLDER_UNKNOWN: 'The grant needs the statement of the server about its holder: GET /v1/agent/{did}/holder-statement.',
  HOLDER_KEY_MISMATCH: 'The holder may have a new key. Get a new holder statement, and derive the grant again.',
  KEY_NOT_ADMITTED: 'The holder needs an ordinary Ed25519 key, as agents have.',
  HOLDER_NOT_ALLOWED:
    'The operator of the first agent can allow more domains with its policy: `auth4agent policy set --delegate-to`.',
  HOLDERS_WIDENED: LESS,
  CAPABILITY_ADDED: LESS,
  CONSTRAINT_DROPPED: LESS,
  ARGUMENT_ADDED: LESS,
  CONSTRAINT_WIDENED: `${LESS} A pair of different constraint types is refused, unless docs/delegation.md lists it.`,
  UNKNOWN_CONSTRAINT: LATEST,
  MALFORMED_CONSTRAINT: 'Write the constraint in the form that docs/delegation.md shows.',
  UNKNOWN_DETAIL_TYPE: 'authorization_details must have exactly one entry, of the type attenuating_agent_token.',
  CAPABILITY_MISSING: 'Ask for a grant with this capability, or call with less.',
  ARGUMENT_REFUSED: 'Call with arguments that every grant of the chain allows: `auth4agent grant inspect` shows them.',
  ARGUMENTS_NEEDED:
    'Give the arguments of the call: --arguments JSON. A service passes them with the option `arguments`.',
}
