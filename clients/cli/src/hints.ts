/** What to do next, by the reason that the server or the SDK gave. */
export const hints = {
  NETWORK_ERROR: 'Is the server running, and is its address right? `auth4agent set-server --url URL` changes it.',
  UNEXPECTED_ANSWER: 'Something else than Auth4Agent answers there. `auth4agent whoami` shows the address.',
  ISSUER_MISMATCH:
    'If that is the server you mean, say what it calls itself: --issuer ISSUER, or for good `auth4agent set-server`.',
  CHALLENGE_REFUSED: 'The server at this address is not the one that it says it is, or is a very old one.',
  UNKNOWN_FIELD: 'The server is older than this tool, or no server of this protocol. `auth4agent doctor` looks.',
  UNAUTHENTICATED: 'This call needs the key of the operator, or of the administrator: --key FILE names it.',
  INVALID_ASSERTION:
    'The key is not the registered one, the clocks disagree, or the server calls itself something else (--issuer). `auth4agent doctor` looks.',
  ASSERTION_EXPIRED: 'The clock of this machine is behind that of the server. `auth4agent doctor` compares them.',
  ASSERTION_USED: 'Each assertion is good for one change. Make another.',
  INVALID_SIGNATURE: 'The private key is not the one that the agent registered.',
  PERMISSION_DENIED: 'Only the operator itself, or the administrator of the server, may do this.',
  OPERATOR_NOT_FOUND: 'Register it: `auth4agent register operator`',
  OPERATOR_NOT_ACTIVE:
    'Prove the domain first: `auth4agent verify-operator instructions`, then `auth4agent verify-operator confirm`',
  OPERATOR_SUSPENDED: 'The administrator of the server has suspended this operator, and alone can reinstate it.',
  DOMAIN_CONTESTED: 'Leave exactly one v=a4a1 record of this server at the name.',
  AGENT_NOT_FOUND:
    'Register it: `auth4agent register agent`. Its operator sees its agents with `auth4agent agents list`.',
  AGENT_NOT_ACTIVE:
    'Its operator lets it in with `auth4agent agents approve`, or ends a suspension with `auth4agent revoke reactivate`.',
  AGENT_OPERATOR_NOT_ACTIVE:
    'Its operator has to prove its domain, or is suspended: `auth4agent verify-operator status`',
  AGENT_EXISTS: 'It need not be registered again. `auth4agent doctor` shows what the server has of it.',
  AGENT_PENDING: 'Approve it first: `auth4agent agents approve AGENT`',
  AGENT_REVOKED: 'That is for good. Make another: `auth4agent init --domain DOMAIN`',
  SCOPE_NOT_ALLOWED:
    'Its operator grants scopes: `auth4agent agent-scopes set --scope …`. The present ones: `auth4agent agent-scopes list`',
  INVALID_SCOPE: 'A scope is a word such as orders:read, of at most 128 characters; `*` is none.',
  AUDIENCE_NOT_ALLOWED: 'The operator that owns the audience has to name your domain in its policy.',
  INVALID_TTL: 'The server allows less, or the form is wrong: --ttl 15m',
  DID_MISMATCH: 'A DID follows from key and domain. `auth4agent init --domain DOMAIN` makes both anew.',
  CHALLENGE_USED: 'Run the command again.',
  CHALLENGE_EXPIRED: 'Run the command again.',
  KEY_NOT_READY: 'Nothing was changed. Wait as long as the message says; `keys compromise` has --force.',
  RATE_LIMITED: 'Wait, then try again.',
  OVERLOADED: 'Wait, then try again.',
  UNAVAILABLE: 'Wait, then try again.',
  TOOL_ERROR: 'Please report it with the command, without its secrets, and with what `auth4agent --version` says.',
} as const

const known: ReadonlyMap<string, string> = new Map(Object.entries(hints))

/** What to do about a reason; undefined where the message says all. */
export function hintFor(reason: string): string | undefined {
  return known.get(reason)
}
