/** `typ` of a key event. */
export const KEY_EVENT_TYPE = 'auth4agent-key-event+jwt'
/** `typ` of the proof by which a new key agrees to become a key of an agent. */
export const KEY_PROOF_TYPE = 'auth4agent-key-proof+jwt'
/** `typ` of an objection to a recovery. */
export const KEY_OBJECTION_TYPE = 'auth4agent-key-objection+jwt'
/** `typ` of the statement with which an operator releases an agent that moves. */
export const AGENT_RELEASE_TYPE = 'auth4agent-agent-release+jwt'
