import { refusalAdvice } from './grants/refusal-advice.ts'

/** The hint that says only to wait. */
export const LATER = 'Wait, then try again.'

/** What to do next, by the reason code of the server or the SDK. */
export const hints = {
  NETWORK_ERROR:
    'Check that the server runs and that its address is right. `auth4agent context set --server URL` changes it.',
  UNEXPECTED_ANSWER: 'No Auth4Agent server answers at this address. `auth4agent whoami` shows the address.',
  ISSUER_MISMATCH:
    'If this is your server, give its issuer with --issuer ISSUER, or once for all commands with `auth4agent context set`.',
  CHALLENGE_REFUSED: 'Another server, or a very old server, answers at this address.',
  UNKNOWN_FIELD: 'The server is older than this tool, or does not speak this protocol. `auth4agent doctor` checks it.',
  UNAUTHENTICATED: 'This call needs the key of the operator or of the administrator: --key FILE.',
  INVALID_ASSERTION:
    'The key is not a registered one, or it was removed or has expired, the clocks disagree, or the server has another issuer (--issuer). `auth4agent doctor` checks all of them.',
  ASSERTION_EXPIRED: "This machine's clock is behind the server's. `auth4agent doctor` compares them.",
  ASSERTION_USED: 'Each assertion is valid for one change only. Sign a new assertion.',
  INVALID_SIGNATURE:
    'The private key is not, or no longer, a key of the agent. `auth4agent agent-key list` shows its keys.',
  PERMISSION_DENIED: 'Only the operator itself, or the administrator of the server, may do this.',
  BODY_DIGEST_REQUIRED:
    'The assertion must contain the digest of the body: `auth4agent assertion create` with --body or --no-body. `auth4agent policy set --require-body-digest off` ends the demand.',
  BODY_DIGEST_MISMATCH:
    'The body must be the same bytes that were signed. Something between here and the server may change them.',
  ROLE_REQUIRED:
    'Use a key that has the role (--as LABEL), or ask a holder of a root key for it. `auth4agent operator-key list` shows the roles.',
  APPROVALS_REQUIRED:
    'Write the request with --prepare FILE, let further root keys approve it with `auth4agent request approve`, and send it with `auth4agent request send`.',
  INVALID_APPROVAL:
    'Each approval must be by a further root key, for exactly this request, and not used yet. `auth4agent request approve` makes a new one.',
  OPERATOR_FROZEN:
    'The DNS record names a key that is no root key of the operator: it can still suspend and revoke agents, end tokens and object to moves. Publish the record of `auth4agent operator show-proof` again, then run `auth4agent operator confirm`. If you did not change the record, somebody else controls your DNS.',
  INVALID_MANIFEST: '`auth4agent operator-key list` shows the keys in force.',
  MANIFEST_CONFLICT:
    'Somebody has changed the keys since. Look at `auth4agent operator-key list`, and repeat the command.',
  POLICY_CHANGED:
    'Somebody has changed the policy since. Look at `auth4agent policy show`, and repeat the command. A file with `etag` changes only that version.',
  ROOT_RECORD_MISMATCH:
    'Publish the record of the new root key first: `auth4agent operator-key rotate-root` shows it. Resolvers may still have the old one.',
  AUDIT_RECORD_NOT_FOUND: '`auth4agent audit list` shows the ids of the records.',
  UNTRUSTED_MANIFEST: '`auth4agent operator-key list` shows the keys. Ask the other holders of root keys.',
  OPERATOR_NOT_FOUND: 'Register the operator: `auth4agent operator register`',
  OPERATOR_NOT_ACTIVE:
    'Prove the domain first with `auth4agent operator show-proof` and `auth4agent operator confirm`.',
  OPERATOR_SUSPENDED:
    'The administrator of the server has suspended this operator. Only the administrator can reinstate it.',
  DOMAIN_CONTESTED: 'Keep exactly one proof (v=a4a1) for this server at the name in DNS.',
  AGENT_NOT_FOUND:
    'Register the agent: `auth4agent agent register`. Its operator sees all its agents with `auth4agent agent list`.',
  AGENT_NOT_ACTIVE:
    'Its operator can approve the agent with `auth4agent agent approve`, or end its suspension with `auth4agent agent reactivate`. After a move: `auth4agent agent finish-move`',
  AGENT_OPERATOR_NOT_ACTIVE:
    'The operator of the agent has not proven its domain, or is suspended: `auth4agent operator status`',
  AGENT_EXISTS:
    'The agent is registered or admitted already. `auth4agent doctor` shows its state on the server, and `auth4agent agent list` shows the agents of the operator.',
  AGENT_PENDING: 'Approve the agent first: `auth4agent agent approve AGENT`',
  AGENT_REVOKED: 'A revoked agent stays revoked. Create a new agent: `auth4agent init --domain DOMAIN`',
  ATTESTATION_REQUIRED:
    'If its rule still exists, the agent attests with `auth4agent agent enrol` and the same --with as before. Its operator sees what it demands with `auth4agent enrolment-rule list` and `auth4agent requirement list`.',
  EVIDENCE_UNAVAILABLE: 'Check the flags of the source of --with, and that its file, socket or device is there.',
  EVIDENCE_REFUSED:
    'The operator can try the evidence with `auth4agent attestor test`, and see the attestor with `auth4agent attestor list`.',
  EVIDENCE_USED: 'Use new evidence: another token, or a join token that nobody has used. Then try again.',
  NONCE_NOT_ACCEPTED: 'Try again. If it happens again, the clocks of the servers differ.',
  ENROLMENT_REFUSED:
    'The operator sees with `auth4agent enrolment-rule test` which conditions of its rules the evidence does not meet.',
  RULE_AMBIGUOUS: 'Name the rule: --rule NAME. The operator sees its rules with `auth4agent enrolment-rule list`.',
  TOO_MANY_AGENTS:
    'The operator can revoke agents with `auth4agent agent revoke`, or allow more of them with `auth4agent enrolment-rule set`.',
  STREAM_NOT_FOUND: '`auth4agent stream list` shows the streams of the operator.',
  STREAM_LIMIT: 'Delete a stream that is no longer needed: `auth4agent stream delete STREAM`',
  ATTESTOR_NOT_FOUND: '`auth4agent attestor list` shows the attestors. Agents name one with --attestor NAME.',
  RULE_NOT_FOUND: '`auth4agent enrolment-rule list` and `auth4agent requirement list` show what there is.',
  PROVIDER_NOT_FOUND: '`auth4agent provider list` shows the identity providers.',
  USER_NOT_FOUND: '`auth4agent user list` shows the users.',
  CLIENT_NOT_ACCEPTED: 'Only the publisher of the client can correct its document. Check the URL for mistakes.',
  TOO_MANY_CLIENTS: 'Block a client that is no longer needed: `auth4agent client block CLIENT`',
  TOO_MANY_PROVIDERS: 'Remove an identity provider first: `auth4agent provider remove NAME`',
  JOIN_TOKEN_NOT_FOUND: '`auth4agent attestor list-join-tokens` shows the join tokens.',
  TOO_MANY_RULES: 'Delete what is no longer needed, such as with `auth4agent enrolment-rule delete`.',
  SCOPE_NOT_ALLOWED:
    'Its operator grants scopes with `auth4agent scope set --scope …`. `auth4agent scope list` shows its grant.',
  INVALID_SCOPE: 'A scope is a word of at most 128 characters without `*`, such as orders:read.',
  AUDIENCE_NOT_ALLOWED: 'The operator that owns the audience must name your domain in its policy.',
  DPOP_PROOF_REQUIRED:
    'Bind the token to the key of the agent: `auth4agent token issue --dpop`. `auth4agent agent proxy --dpop` sends requests of tools that cannot make proofs.',
  INVALID_DPOP_PROOF:
    "This machine's clock may be wrong, or the server has another issuer (--issuer). `auth4agent doctor` checks both.",
  UNSUPPORTED_CLIENT_AUTHENTICATION: 'The server is older than this tool. `auth4agent doctor` checks it.',
  DELEGATION_NOT_ALLOWED:
    'Its operator decides how often grants of the agent may be handed on: `auth4agent agent update --max-delegation-depth`.',
  GRANT_NOT_HELD: 'Only the agent that holds a grant can use it. `auth4agent grant inspect` shows the holders.',
  INVALID_TTL: 'Ask for a shorter lifetime, in a form such as --ttl 15m.',
  DID_MISMATCH:
    'A DID consists of a domain and the fingerprint of a key. `auth4agent init --domain DOMAIN` creates a new key and DID.',
  CHALLENGE_USED: 'Run the command again.',
  CHALLENGE_EXPIRED: 'Run the command again.',
  KEY_NOT_READY: 'Nothing has changed.',
  OLD_PROCESSES: 'Nothing has changed. `auth4agent admin processes` lists all processes with their versions.',
  KEY_NOT_COMMITTED:
    'The agent has committed to another key: `auth4agent agent-key list` shows its key id. Give its file with --new-key FILE.',
  KEY_EVENT_CONFLICT: 'Another program has changed the keys of the agent. Run the command again.',
  KEY_EVENT_LIMIT:
    'The log of the agent is full, or too long for another server. The agent works on with its key, or you create a new agent.',
  KEY_REUSED: 'Create a new key: `auth4agent agent-key create FILE`',
  ADDED_KEY_LIMIT: 'Remove a key first: `auth4agent agent-key list` and `auth4agent agent-key remove KID`.',
  ADDED_KEY_NOT_FOUND: '`auth4agent agent-key list` shows the added keys.',
  RECOVERY_PENDING: '`auth4agent agent-key list` shows the recovery that waits. The current key can object to it.',
  NOTHING_PENDING:
    'The recovery or move has taken effect, somebody has ended it, or it names another operator: `auth4agent agent-key list` and `auth4agent agent-key list-events` show it.',
  MOVE_NOT_RELEASED:
    'The operator that the agent leaves releases it with `auth4agent agent release`. `auth4agent agent-key list` shows what the agent has asked for.',
  AGENT_MOVED: 'The agent goes on under its new DID. Where it runs: `auth4agent agent finish-move`',
  INVALID_BUNDLE:
    '`auth4agent agent verify-bundle FILE` shows what the bundle says. The server that the agent leaves writes a new one: `auth4agent agent export-bundle`',
  WRONG_KEY: 'Only the identity key can do this. `auth4agent agent-key list` shows its key id.',
  RATE_LIMITED: LATER,
  OVERLOADED: LATER,
  UNAVAILABLE: LATER,
  NOT_DURABLE: LATER,
  TOOL_ERROR: 'Please report it with the command line (without secrets) and the output of `auth4agent --version`.',
} as const

const known: ReadonlyMap<string, string> = new Map(Object.entries({ ...refusalAdvice, ...hints }))

/** Returns what to do about a reason code, or undefined if the message says enough. */
export function hintFor(reason: string): string | undefined {
  return known.get(reason)
}
