import type { CommandEntry } from './command.ts'

/** Commands that the help shows under one title. */
export interface CommandGroup {
  readonly title: string
  readonly commands: readonly CommandEntry[]
}

/** All commands, in the order of the help. The tool loads each module on demand, so that it starts fast. */
export const commandGroups: readonly CommandGroup[] = [
  {
    title: 'Setup and checks',
    commands: [
      {
        words: 'demo',
        summary: 'try all steps with a temporary operator, agent and API',
        load: async () => (await import('./commands/demo.ts')).demo,
      },
      {
        words: 'init',
        summary: 'create the key and configuration of an agent or operator',
        load: async () => (await import('./commands/init.ts')).init,
      },
      {
        words: 'whoami',
        summary: 'show the configured agent or operator',
        load: async () => (await import('./commands/whoami.ts')).whoami,
      },
      {
        words: 'set-server',
        summary: 'change the address of the server in the configuration',
        load: async () => (await import('./commands/set-server.ts')).setServer,
      },
      {
        words: 'context list',
        summary: 'list contexts: named folders, each with its own configuration and keys',
        load: async () => (await import('./commands/contexts.ts')).listContexts,
      },
      {
        words: 'context use',
        summary: 'choose the context that later commands use',
        load: async () => (await import('./commands/contexts.ts')).useContext,
      },
      {
        words: 'context show',
        summary: 'show the context in use',
        load: async () => (await import('./commands/contexts.ts')).showContext,
      },
      {
        words: 'health',
        summary: 'check whether the server is up',
        load: async () => (await import('./commands/health.ts')).health,
      },
      {
        words: 'doctor',
        summary: 'check this machine and the server, and say how to solve problems',
        load: async () => (await import('./commands/doctor.ts')).doctor,
      },
      {
        words: 'completion',
        summary: 'print a script that completes commands and flags in your shell',
        load: async () => (await import('./commands/completion.ts')).createCompletion(commands),
      },
      {
        words: 'version',
        summary: 'print the version of this tool',
        load: async () => (await import('./commands/version.ts')).version,
      },
    ],
  },
  {
    title: 'Operators',
    commands: [
      {
        words: 'register operator',
        summary: 'register your domain and root key',
        load: async () => (await import('./commands/register-operator.ts')).registerOperator,
      },
      {
        words: 'verify-operator instructions',
        summary: 'show the proof of the domain, a TXT record to publish',
        load: async () => (await import('./commands/verify-operator.ts')).instructions,
      },
      {
        words: 'verify-operator confirm',
        summary: 'ask the server to look for the proof now',
        load: async () => (await import('./commands/verify-operator.ts')).confirm,
      },
      {
        words: 'verify-operator status',
        summary: 'show the state of the operator',
        load: async () => (await import('./commands/verify-operator.ts')).status,
      },
      {
        words: 'agents list',
        summary: 'list agents; pending agents only with --status pending',
        load: async () => (await import('./commands/agents.ts')).listAgents,
      },
      {
        words: 'agents approve',
        summary: 'make a pending agent active',
        load: async () => (await import('./commands/agents.ts')).approveAgent,
      },
      {
        words: 'agents update',
        summary: 'change the label of an agent, or whether it needs bound challenges',
        load: async () => (await import('./commands/agents.ts')).updateAgent,
      },
      {
        words: 'agents release',
        summary: 'let an agent go that has asked for a move',
        load: async () => (await import('./commands/agent-moves.ts')).releaseAgent,
      },
      {
        words: 'agents object-to-move',
        summary: 'end a move for which an agent has asked',
        load: async () => (await import('./commands/agent-moves.ts')).objectToMove,
      },
      {
        words: 'agents export',
        summary: 'write the bundle of an agent that has moved to another server',
        load: async () => (await import('./commands/agent-moves.ts')).exportAgent,
      },
      {
        words: 'agents admit',
        summary: 'admit an agent that moves to you',
        load: async () => (await import('./commands/agent-moves.ts')).admitAgent,
      },
      {
        words: 'agents verify-bundle',
        summary: 'verify a bundle of an agent, without a server',
        load: async () => (await import('./commands/verify-bundle.ts')).verifyBundle,
      },
      {
        words: 'agent-scopes set',
        summary: 'set the scopes of an agent',
        load: async () => (await import('./commands/agent-scopes.ts')).setScopes,
      },
      {
        words: 'agent-scopes list',
        summary: 'list the scopes of an agent',
        load: async () => (await import('./commands/agent-scopes.ts')).listScopes,
      },
      {
        words: 'policy get',
        summary: 'show the policy for your audiences and challenges',
        load: async () => (await import('./commands/policy.ts')).getPolicy,
      },
      {
        words: 'policy set',
        summary: 'change the policy',
        load: async () => (await import('./commands/policy.ts')).setPolicy,
      },
      {
        words: 'audit',
        summary: 'list audit records: what was done and what was refused',
        load: async () => (await import('./commands/audit.ts')).audit,
      },
      {
        words: 'audit show',
        summary: 'show one audit record with the request that caused it, and verify its signatures',
        load: async () => (await import('./commands/audit-show.ts')).showAudit,
      },
      {
        words: 'trust offer',
        summary: 'sign a trust statement about another operator',
        load: async () => (await import('./commands/trust.ts')).offerTrust,
      },
      {
        words: 'trust accept',
        summary: 'sign a trust statement that another operator has proposed',
        load: async () => (await import('./commands/trust.ts')).acceptTrust,
      },
      {
        words: 'trust dismiss',
        summary: 'delete a trust statement that another operator has proposed',
        load: async () => (await import('./commands/trust.ts')).dismissTrust,
      },
      {
        words: 'trust list',
        summary: 'list trust statements, or proposals of other operators',
        load: async () => (await import('./commands/trust.ts')).listTrust,
      },
      {
        words: 'trust revoke',
        summary: 'end a trust statement',
        load: async () => (await import('./commands/trust.ts')).revokeTrust,
      },
      {
        words: 'trust explain',
        summary: 'explain whether a token would be accepted, and else who can do what about it',
        load: async () => (await import('./commands/trust-explain.ts')).explainTrust,
      },
      {
        words: 'trust admissions',
        summary: 'list who of other deployments may call an audience',
        load: async () => (await import('./commands/trust-admissions.ts')).trustAdmissions,
      },
      {
        words: 'trust graph',
        summary: 'list or export the graph of trust statements',
        load: async () => (await import('./commands/trust-graph.ts')).trustGraph,
      },
      {
        words: 'stream create',
        summary: 'create a stream of security events',
        load: async () => (await import('./commands/streams.ts')).createStream,
      },
      {
        words: 'stream list',
        summary: 'list the streams of security events',
        load: async () => (await import('./commands/streams.ts')).listStreams,
      },
      {
        words: 'stream show',
        summary: 'show a stream of security events',
        load: async () => (await import('./commands/streams.ts')).showStream,
      },
      {
        words: 'stream update',
        summary: 'change a stream of security events',
        load: async () => (await import('./commands/streams.ts')).updateStream,
      },
      {
        words: 'stream status',
        summary: 'show, pause or enable a stream',
        load: async () => (await import('./commands/stream-status.ts')).streamStatus,
      },
      {
        words: 'stream verify',
        summary: 'ask for a verification event',
        load: async () => (await import('./commands/stream-status.ts')).verifyStream,
      },
      {
        words: 'stream subject',
        summary: 'add or remove a subject of a stream',
        load: async () => (await import('./commands/stream-status.ts')).streamSubject,
      },
      {
        words: 'stream delete',
        summary: 'delete a stream of security events',
        load: async () => (await import('./commands/streams.ts')).deleteStream,
      },
      {
        words: 'attestor add',
        summary: 'believe a source of evidence, with its trust roots',
        load: async () => (await import('./commands/attestors.ts')).addAttestor,
      },
      {
        words: 'attestor list',
        summary: 'list the attestors',
        load: async () => (await import('./commands/attestors.ts')).listAttestors,
      },
      {
        words: 'attestor test',
        summary: 'show what an attestor says about evidence',
        load: async () => (await import('./commands/try-rules.ts')).testAttestor,
      },
      {
        words: 'attestor delete',
        summary: 'delete an attestor, and end what rests on it',
        load: async () => (await import('./commands/attestors.ts')).deleteAttestor,
      },
      {
        words: 'attestor join-token',
        summary: 'create a secret with which one agent can enrol',
        load: async () => (await import('./commands/join-tokens.ts')).createJoinToken,
      },
      {
        words: 'attestor join-tokens',
        summary: 'list the join tokens of an attestor',
        load: async () => (await import('./commands/join-tokens.ts')).listJoinTokens,
      },
      {
        words: 'attestor delete-join-token',
        summary: 'delete a join token',
        load: async () => (await import('./commands/join-tokens.ts')).deleteJoinToken,
      },
      {
        words: 'rules set',
        summary: 'let agents enrol themselves whose evidence meets a rule',
        load: async () => (await import('./commands/rules.ts')).setRule,
      },
      {
        words: 'rules list',
        summary: 'list the enrolment rules',
        load: async () => (await import('./commands/rules.ts')).listRules,
      },
      {
        words: 'rules test',
        summary: 'explain what evidence would give, and why',
        load: async () => (await import('./commands/try-rules.ts')).testRules,
      },
      {
        words: 'rules delete',
        summary: 'delete an enrolment rule, and end the tokens of its agents',
        load: async () => (await import('./commands/rules.ts')).deleteRule,
      },
      {
        words: 'requirements set',
        summary: 'demand current evidence for tokens',
        load: async () => (await import('./commands/requirements.ts')).setRequirement,
      },
      {
        words: 'requirements list',
        summary: 'list the requirements',
        load: async () => (await import('./commands/requirements.ts')).listRequirements,
      },
      {
        words: 'requirements delete',
        summary: 'delete a requirement',
        load: async () => (await import('./commands/requirements.ts')).deleteRequirement,
      },
      {
        words: 'operator id',
        summary: 'show the id of the operator',
        load: async () => (await import('./commands/operator-id.ts')).operatorId,
      },
      {
        words: 'operator keys list',
        summary: 'list the keys of the team: root keys, and keys with roles',
        load: async () => (await import('./commands/operator-keys.ts')).listOperatorKeys,
      },
      {
        words: 'operator keys request',
        summary: 'create a key for a person or program, and ask a root key to add it',
        load: async () => (await import('./commands/operator-keys-request.ts')).requestOperatorKey,
      },
      {
        words: 'operator keys add',
        summary: 'add the key of a request',
        load: async () => (await import('./commands/operator-keys-add.ts')).addOperatorKey,
      },
      {
        words: 'operator keys update',
        summary: 'change roles, label or expiry of a key',
        load: async () => (await import('./commands/operator-keys-change.ts')).updateOperatorKey,
      },
      {
        words: 'operator keys remove',
        summary: 'remove a key, which then is refused at once',
        load: async () => (await import('./commands/operator-keys-change.ts')).removeOperatorKey,
      },
      {
        words: 'operator keys threshold',
        summary: 'change how many root keys must approve root operations',
        load: async () => (await import('./commands/operator-keys-change.ts')).setThreshold,
      },
      {
        words: 'operator keys rotate-root',
        summary: 'replace the root key, together with the DNS record',
        load: async () => (await import('./commands/operator-keys-rotate.ts')).rotateRoot,
      },
      {
        words: 'operator approve',
        summary: 'approve a prepared request with a further root key',
        load: async () => (await import('./commands/operator-approve.ts')).approve,
      },
      {
        words: 'operator send',
        summary: 'send a prepared request with its approvals',
        load: async () => (await import('./commands/operator-approve.ts')).send,
      },
      {
        words: 'operator token',
        summary: 'print an assertion: a signed JWT that authenticates one call',
        load: async () => (await import('./commands/operator-token.ts')).operatorToken,
      },
      {
        words: 'operator end-all-tokens',
        summary: 'end all tokens of your agents',
        load: async () => (await import('./commands/operator-end.ts')).endAllTokens,
      },
      {
        words: 'operator release',
        summary: 'give up the domain for good',
        load: async () => (await import('./commands/operator-end.ts')).releaseDomain,
      },
      {
        words: 'watch',
        summary: 'show revocations as they happen',
        load: async () => (await import('./commands/watch.ts')).watch,
      },
      {
        words: 'proxy',
        summary: 'sign operator calls for local tools that cannot sign',
        load: async () => (await import('./commands/proxy.ts')).proxy,
      },
    ],
  },
  {
    title: 'Agents and tokens',
    commands: [
      {
        words: 'register agent',
        summary: 'register an agent under its operator',
        load: async () => (await import('./commands/register-agent.ts')).registerAgent,
      },
      {
        words: 'enrol',
        summary: 'let an agent enrol itself with evidence',
        load: async () => (await import('./commands/enrol.ts')).enrolAgent,
      },
      {
        words: 'agent-key export',
        summary: 'write the private key of the agent as a JWK, for OAuth libraries',
        load: async () => (await import('./commands/agent-key.ts')).exportAgentKey,
      },
      {
        words: 'agent-key create',
        summary: 'create the file of another key, to add or to commit to',
        load: async () => (await import('./commands/agent-key-change.ts')).createAgentKey,
      },
      {
        words: 'agent-key rotate',
        summary: 'replace the identity key of the agent',
        load: async () => (await import('./commands/agent-key-change.ts')).rotateAgentKey,
      },
      {
        words: 'agent-key add',
        summary: 'add a key that may authenticate the agent',
        load: async () => (await import('./commands/agent-key-change.ts')).addAgentKey,
      },
      {
        words: 'agent-key remove',
        summary: 'remove an added key',
        load: async () => (await import('./commands/agent-key-change.ts')).removeAgentKey,
      },
      {
        words: 'agent-key list',
        summary: 'show the keys of an agent',
        load: async () => (await import('./commands/agent-key-log.ts')).listAgentKeys,
      },
      {
        words: 'agent-key events',
        summary: 'show the log of key events of an agent, and verify it',
        load: async () => (await import('./commands/agent-key-log.ts')).listAgentKeyEvents,
      },
      {
        words: 'agent-key verify',
        summary: 'verify a log of key events in a file, without a server',
        load: async () => (await import('./commands/agent-key-log.ts')).verifyAgentKeyEvents,
      },
      {
        words: 'agent-key recover',
        summary: 'recover an agent whose identity key is lost or stolen',
        load: async () => (await import('./commands/agent-key-recovery.ts')).recoverAgentKey,
      },
      {
        words: 'agent-key object',
        summary: 'end a recovery that nobody asked for',
        load: async () => (await import('./commands/agent-key-recovery.ts')).objectToRecovery,
      },
      {
        words: 'agent-key use',
        summary: 'make a key file the key of agent.json, after a recovery',
        load: async () => (await import('./commands/agent-key-recovery.ts')).useAgentKey,
      },
      {
        words: 'agent-key move',
        summary: 'ask to move to another operator or server',
        load: async () => (await import('./commands/agent-key-move.ts')).moveAgent,
      },
      {
        words: 'agent-key finish-move',
        summary: 'use the new DID, after another operator has admitted the agent',
        load: async () => (await import('./commands/agent-key-finish-move.ts')).finishMove,
      },
      {
        words: 'agent-key deactivate',
        summary: 'end the identity of the agent for good',
        load: async () => (await import('./commands/agent-key-change.ts')).deactivateAgent,
      },
      {
        words: 'act-for-user',
        summary: 'get a token for an ID-JAG, with which the agent acts for a user',
        load: async () => (await import('./commands/act-for-user.ts')).actForUser,
      },
      {
        words: 'issue',
        summary: 'get a token',
        load: async () => (await import('./commands/issue.ts')).issue,
      },
      {
        words: 'dpop-proof',
        summary: 'print a DPoP proof: a signed JWT for one request with a bound token',
        load: async () => (await import('./commands/dpop-proof.ts')).dpopProof,
      },
      {
        words: 'exec',
        summary: 'run a program with a token',
        load: async () => (await import('./commands/exec.ts')).exec,
      },
      {
        words: 'api-proxy',
        summary: "send requests of local tools to an API with the agent's token",
        load: async () => (await import('./commands/api-proxy.ts')).apiProxy,
      },
      {
        words: 'delegate',
        summary: 'give another agent a part of the authority of the agent',
        load: async () => (await import('./commands/delegate.ts')).delegate,
      },
      {
        words: 'grant inspect',
        summary: 'show a chain of grants: who gave what to whom',
        load: async () => (await import('./commands/grant-inspect.ts')).inspectGrant,
      },
      {
        words: 'grant explain',
        summary: 'say why a chain of grants is refused: which grant, which rule, what to do',
        load: async () => (await import('./commands/grant-explain.ts')).explainGrant,
      },
      {
        words: 'grant exchange',
        summary: 'get an access token for a chain of grants',
        load: async () => (await import('./commands/grant-exchange.ts')).exchangeGrant,
      },
      {
        words: 'grant revoke',
        summary: 'revoke the last grant of a chain, and everything made from it',
        load: async () => (await import('./commands/grant-revoke.ts')).revokeGrant,
      },
      {
        words: 'verify',
        summary: 'verify a token',
        load: async () => (await import('./commands/verify.ts')).verify,
      },
      {
        words: 'introspect',
        summary: 'ask as an agent whether a token is active',
        load: async () => (await import('./commands/introspect.ts')).introspect,
      },
      {
        words: 'jwks',
        summary: "print the server's public keys",
        load: async () => (await import('./commands/jwks.ts')).jwks,
      },
      {
        words: 'revoke token',
        summary: 'revoke one token',
        load: async () => (await import('./commands/revoke.ts')).revokeToken,
      },
      {
        words: 'revoke suspend',
        summary: 'suspend an agent',
        load: async () => (await import('./commands/revoke.ts')).suspendAgent,
      },
      {
        words: 'revoke reactivate',
        summary: 'let a suspended agent sign in again',
        load: async () => (await import('./commands/revoke.ts')).reactivateAgent,
      },
      {
        words: 'revoke agent',
        summary: 'revoke an agent for good',
        load: async () => (await import('./commands/revoke.ts')).revokeAgent,
      },
      {
        words: 'revoke list',
        summary: 'list suspended and revoked agents',
        load: async () => (await import('./commands/revoke.ts')).listRevoked,
      },
    ],
  },
  {
    title: 'Administrators',
    commands: [
      {
        words: 'keys list',
        summary: 'list signing keys',
        load: async () => (await import('./commands/keys.ts')).listKeys,
      },
      {
        words: 'keys rotate',
        summary: 'make the next prepared keys active',
        load: async () => (await import('./commands/keys.ts')).rotateKeys,
      },
      {
        words: 'keys compromise',
        summary: 'mark a leaked key as compromised, and end all tokens that it signed',
        load: async () => (await import('./commands/keys-compromise.ts')).compromiseKey,
      },
      {
        words: 'keys import',
        summary: 'import a signing key that was created elsewhere',
        load: async () => (await import('./commands/keys-import.ts')).importKey,
      },
      {
        words: 'issuers add',
        summary: 'admit a foreign issuer',
        load: async () => (await import('./commands/issuers-add.ts')).addIssuer,
      },
      {
        words: 'issuers list',
        summary: 'list foreign issuers',
        load: async () => (await import('./commands/issuers.ts')).listIssuers,
      },
      {
        words: 'issuers show',
        summary: 'show a foreign issuer with its keys and domains',
        load: async () => (await import('./commands/issuers.ts')).showIssuer,
      },
      {
        words: 'issuers disable',
        summary: 'end the admission of an issuer',
        load: async () => (await import('./commands/issuers-change.ts')).disableIssuer,
      },
      {
        words: 'issuers enable',
        summary: 'admit a disabled issuer again',
        load: async () => (await import('./commands/issuers-change.ts')).enableIssuer,
      },
      {
        words: 'issuers readmit-key',
        summary: 'accept a key again that an issuer had withdrawn',
        load: async () => (await import('./commands/issuers-change.ts')).readmitIssuerKey,
      },
      {
        words: 'issuers discover',
        summary: 'look for the trust chain of an issuer',
        load: async () => (await import('./commands/issuers-discover.ts')).discoverIssuer,
      },
      {
        words: 'issuers candidates',
        summary: 'list the issuers with a trust chain that wait for approval',
        load: async () => (await import('./commands/issuers-discover.ts')).listCandidates,
      },
      {
        words: 'issuers anchors add',
        summary: 'trust an anchor of OpenID Federation',
        load: async () => (await import('./commands/issuers-anchors.ts')).addAnchor,
      },
      {
        words: 'issuers anchors list',
        summary: 'list the trust anchors',
        load: async () => (await import('./commands/issuers-anchors.ts')).listAnchors,
      },
      {
        words: 'issuers anchors remove',
        summary: 'trust an anchor no longer',
        load: async () => (await import('./commands/issuers-anchors.ts')).removeAnchor,
      },
      {
        words: 'issuers subordinates add',
        summary: "make an entity a subordinate of the deployment's authority",
        load: async () => (await import('./commands/issuers-subordinates.ts')).addSubordinate,
      },
      {
        words: 'issuers subordinates list',
        summary: 'list the subordinates of the authority',
        load: async () => (await import('./commands/issuers-subordinates.ts')).listSubordinates,
      },
      {
        words: 'issuers subordinates remove',
        summary: 'end the statements about a subordinate',
        load: async () => (await import('./commands/issuers-subordinates.ts')).removeSubordinate,
      },
      {
        words: 'issuers subjects add',
        summary: 'say which user a subject of an identity provider is',
        load: async () => (await import('./commands/issuers-subjects.ts')).addSubject,
      },
      {
        words: 'issuers subjects list',
        summary: 'list the rules about subjects of an identity provider',
        load: async () => (await import('./commands/issuers-subjects.ts')).listSubjects,
      },
      {
        words: 'issuers subjects remove',
        summary: 'remove such a rule, and end its tokens',
        load: async () => (await import('./commands/issuers-subjects.ts')).removeSubject,
      },
      {
        words: 'operator suspend',
        summary: 'suspend an operator and end all tokens of its agents',
        load: async () => (await import('./commands/operator-suspend.ts')).suspendOperator,
      },
      {
        words: 'operator reinstate',
        summary: 'let a suspended operator act again',
        load: async () => (await import('./commands/operator-suspend.ts')).reinstateOperator,
      },
      {
        words: 'deployment end-all-tokens',
        summary: 'end all tokens of all operators',
        load: async () => (await import('./commands/deployment.ts')).endDeploymentTokens,
      },
    ],
  },
]

/** All commands, without groups. */
export const commands: readonly CommandEntry[] = commandGroups.flatMap((group) => group.commands)
