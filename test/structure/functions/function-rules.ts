/** The rule that a function of the database holds, and the heading under which a document states it. */
export interface FunctionRule {
  readonly rule: string
  /** The path of the document, `#`, and the anchor of the heading. */
  readonly stated: string
}

const REVOCATION = 'services/revocation/README.md'
const LOG = `${REVOCATION}#the-log`
const RULES = `${REVOCATION}#the-rules`
const PROTOCOL = 'docs/protocol.md'
const PARTITIONS = 'docs/operations.md#partitions'
const ATTESTATION = 'docs/attestation.md'

/**
 * The rule of each function that the migrations leave, in the order of `prisma/functions.sql`. A new function needs a
 * line here.
 */
export const FUNCTION_RULES: Readonly<Record<string, FunctionRule>> = {
  append_revocation: {
    rule: 'Appends one record to the revocation log, in the transaction that ends the tokens. Deferred triggers call it',
    stated: LOG,
  },
  append_ended_edges: {
    rule: 'Appends a record for each of many ended edges, and locks the head of the log once for all of them',
    stated: LOG,
  },
  revocation_hash: {
    rule: 'Each record contains the hash of the record before it; `recordHash` of clients/core computes the same',
    stated: `${PROTOCOL}#the-hash`,
  },
  wal_timeline: { rule: 'A promotion begins a new log epoch. Fails on a standby', stated: LOG },
  tokens_have_expired: {
    rule: 'A record stays until the longest token has expired: an hour, and five minutes for clocks that differ',
    stated: `${PROTOCOL}#forgetting`,
  },
  log_operator: {
    rule: 'An operator that gets a higher epoch is in the log, with the cause for security events',
    stated: `${PROTOCOL}#what-a-record-ends`,
  },
  log_agent: {
    rule: 'An agent that gets a higher epoch is in the log, with the cause for security events',
    stated: `${PROTOCOL}#what-a-record-ends`,
  },
  log_user: {
    rule: 'A user that gets a higher epoch is in the log, with the cause for security events',
    stated: `${PROTOCOL}#what-a-record-ends`,
  },
  key_event_of_now: {
    rule: 'The cause of an ended agent is the key event of the same transaction',
    stated: 'docs/signals.md#which-record-becomes-which-event',
  },
  log_token: { rule: 'A revoked token is in the log until it expires', stated: `${PROTOCOL}#what-a-record-ends` },
  log_key: {
    rule: 'A signing key that is retired or compromised is in the log, so verifiers that remember it refuse it',
    stated: `${PROTOCOL}#what-a-record-ends`,
  },
  log_deployment: {
    rule: 'A higher first epoch ends all tokens of the deployment',
    stated: `${PROTOCOL}#what-a-record-ends`,
  },
  raise_from_first_epoch: {
    rule: 'A raised epoch of an operator begins at the first epoch of the deployment, so no lost epoch is used again',
    stated: 'docs/operations.md#backup-and-restore',
  },
  log_issuer: { rule: 'Another issuer that gets a higher generation is in the log: rule (j)', stated: RULES },
  log_edge: {
    rule: 'Trust in a domain, statement, subject, users, provider, client or consent that ends or gets a new id is in the log: rule (j)',
    stated: RULES,
  },
  log_connection: {
    rule: 'The id of a connection that ends before it expires is in the log, because its tokens name it: rule (j)',
    stated: RULES,
  },
  log_caller_edges: { rule: 'The edge of a caller that is no longer listed is in the log: rule (j)', stated: RULES },
  log_attestor: { rule: 'A deleted attestor ends the tokens that rest on it', stated: `${ATTESTATION}#rules` },
  log_enrolment_rule: {
    rule: 'A deleted rule, or a rule with a new id, ends the tokens that rest on it',
    stated: `${ATTESTATION}#rules`,
  },
  only_rises: {
    rule: 'Epochs and versions of operators, agents and users only rise',
    stated: `${PROTOCOL}#9-epochs-and-revocation`,
  },
  key_goes_forward: {
    rule: 'A signing key only moves forward through its states, and never becomes another key',
    stated: `${PROTOCOL}#11-signing-keys`,
  },
  follow_callers: {
    rule: 'Each caller that an audience lists has one edge, and only the owner of the domain lets others call: rule (j)',
    stated: RULES,
  },
  callers_differ: {
    rule: 'Finds whether the edges of an audience differ from its list of callers: rule (j)',
    stated: RULES,
  },
  follow_callers_of_audience: { rule: 'Edges follow a changed list of callers at commit: rule (j)', stated: RULES },
  follow_callers_of_operator: { rule: 'Edges follow a changed status of the owner at commit: rule (j)', stated: RULES },
  refuse_other_caller_edge: {
    rule: 'The edge of a caller never begins again and never becomes another one: rule (j)',
    stated: RULES,
  },
  narrows_user_access: {
    rule: 'Decides whether a rule lets users do less than another one: rule (j)',
    stated: RULES,
  },
  follow_access: {
    rule: 'Each rule that lets users come has one edge, and only the owner of the domain lets them come: rule (j)',
    stated: RULES,
  },
  follow_access_of_audience: {
    rule: 'The edge of a rule for users ends when the rule becomes narrower: rule (j)',
    stated: RULES,
  },
  follow_user_targets: {
    rule: 'Each domain to which the users of an operator may go has one edge: rule (j)',
    stated: RULES,
  },
  follow_users_of_operator: {
    rule: 'Edges of users follow a changed status or a changed list of targets: rule (j)',
    stated: RULES,
  },
  refuse_other_user_edge: {
    rule: 'An edge of users never begins again and never becomes another one: rule (j)',
    stated: RULES,
  },
  end_statements_of_removed_keys: {
    rule: 'The statements of a root key end when a manifest no longer lists the key',
    stated: 'docs/federation.md#what-happens-to-a-statement',
  },
  keep_anchor: {
    rule: 'The trust anchor of an admitted issuer never changes',
    stated: 'docs/federation.md#admit-an-issuer-of-a-federation',
  },
  notify_trust: {
    rule: 'Tells the processes that issuers or statements have changed, so they read their copies again: rule (j)',
    stated: RULES,
  },
  append_only: {
    rule: 'The audit, signed requests, key events, manifests and statements are never changed, and only old rows go',
    stated: 'docs/operations.md#the-audit-and-the-log',
  },
  first_id_of: { rule: 'Ids are UUIDv7, so a range of time is a range of ids', stated: PARTITIONS },
  partitions_of: { rule: 'The partitions of a table, with the first id and the end of each', stated: PARTITIONS },
  copy_rights: { rule: 'A partition gives nobody more rights than its table', stated: PARTITIONS },
  add_partition: {
    rule: 'A partition has the triggers, constraints, indexes and rights of its table',
    stated: PARTITIONS,
  },
  drop_partition: { rule: 'No partition goes that may have a record of the last 30 days', stated: PARTITIONS },
  refuse_forgotten_assertion: {
    rule: 'An assertion whose record may have been removed counts as used, whatever a clock says',
    stated: `${PROTOCOL}#assertions`,
  },
  keys_after_event: {
    rule: 'Computes the keys of an agent after a key event; `applyKeyEvent` of clients/core computes the same',
    stated: `${PROTOCOL}#keys-of-an-agent`,
  },
  set_keys_of_event: {
    rule: 'Each key event has the keys of the agent after it',
    stated: `${PROTOCOL}#keys-of-an-agent`,
  },
  count_agents: {
    rule: 'An operator has at most `max_agents` agents',
    stated: `${PROTOCOL}#13-times-sizes-and-limits`,
  },
  count_approved_agent: {
    rule: 'An approved agent counts toward the agents of its operator',
    stated: `${PROTOCOL}#13-times-sizes-and-limits`,
  },
  count_users: {
    rule: 'An operator has at most 100,000 users',
    stated: `${PROTOCOL}#13-times-sizes-and-limits`,
  },
  keep_ended_users: {
    rule: 'The row of a user stays until every token with its epochs has expired',
    stated: 'docs/people.md#users',
  },
  raise_version_of_operator: {
    rule: 'A change of what an operator demands or lets others call raises its version, so copies notice it',
    stated: 'docs/architecture.md#the-services',
  },
  refuse_other_attestation_id: {
    rule: 'The id of an attestor or a rule never names another one, because tokens and agents contain it',
    stated: 'services/attestation/README.md#how-a-result-reaches-a-token',
  },
  check_places_of_rule: { rule: 'A rule has no more agents than its limit', stated: `${ATTESTATION}#rules` },
  keep_reserved_blocks: {
    rule: 'A reserved block of a status list stays reserved, so no two tokens have the same place',
    stated: 'docs/status-lists.md#how-it-is-made',
  },
  notify_signal_stream: {
    rule: 'Tells the processes that a stream of security events has something to deliver',
    stated: 'docs/architecture.md#security-events-inside',
  },
  delete_streams_of_operator: {
    rule: 'The streams of an operator that has lost its domain are deleted, because nobody could delete them',
    stated: 'docs/signals.md#bounds',
  },
  delete_providers_of_operator: {
    rule: 'The providers of an operator that has lost its domain are deleted, because nobody could remove them',
    stated: 'docs/people.md#what-ends-what',
  },
  delete_clients_of_operator: {
    rule: 'The clients of an operator that has lost its domain are deleted, because it has no audiences',
    stated: 'docs/people.md#what-ends-what',
  },
}
