import type { CommandEntry } from './command.ts'

/** What belongs together, as the help shows it. */
export interface CommandGroup {
  readonly title: string
  readonly commands: readonly CommandEntry[]
}

/** Every command there is, in the order of the help. Entries are loaded one by one, so that starting stays fast. */
export const commandGroups: readonly CommandGroup[] = [
  {
    title: 'This machine',
    commands: [
      {
        words: 'demo',
        summary: 'see all of it at work',
        load: async () => (await import('./commands/demo.ts')).demo,
      },
      {
        words: 'init',
        summary: 'make key and configuration of an agent or operator',
        load: async () => (await import('./commands/init.ts')).init,
      },
      {
        words: 'whoami',
        summary: 'who this folder is',
        load: async () => (await import('./commands/whoami.ts')).whoami,
      },
      {
        words: 'set-server',
        summary: 'change the server',
        load: async () => (await import('./commands/set-server.ts')).setServer,
      },
      {
        words: 'context list',
        summary: 'list folders for several servers or parties',
        load: async () => (await import('./commands/contexts.ts')).listContexts,
      },
      {
        words: 'context use',
        summary: 'choose one of them',
        load: async () => (await import('./commands/contexts.ts')).useContext,
      },
      {
        words: 'context show',
        summary: 'which one is in use',
        load: async () => (await import('./commands/contexts.ts')).showContext,
      },
      {
        words: 'health',
        summary: 'ask the server whether it is well',
        load: async () => (await import('./commands/health.ts')).health,
      },
      {
        words: 'doctor',
        summary: 'find out what is wrong, and what to do',
        load: async () => (await import('./commands/doctor.ts')).doctor,
      },
      {
        words: 'completion',
        summary: 'complete commands and flags in your shell',
        load: async () => (await import('./commands/completion.ts')).createCompletion(commands),
      },
      {
        words: 'version',
        summary: 'which version of the tool this is',
        load: async () => (await import('./commands/version.ts')).version,
      },
    ],
  },
  {
    title: 'Operators',
    commands: [
      {
        words: 'register operator',
        summary: 'register domain and key',
        load: async () => (await import('./commands/register-operator.ts')).registerOperator,
      },
      {
        words: 'verify-operator instructions',
        summary: 'the DNS record that proves the domain',
        load: async () => (await import('./commands/verify-operator.ts')).instructions,
      },
      {
        words: 'verify-operator confirm',
        summary: 'have the record looked for',
        load: async () => (await import('./commands/verify-operator.ts')).confirm,
      },
      {
        words: 'verify-operator status',
        summary: 'how far the operator is',
        load: async () => (await import('./commands/verify-operator.ts')).status,
      },
      {
        words: 'agents list',
        summary: 'list agents, also those that wait',
        load: async () => (await import('./commands/agents.ts')).listAgents,
      },
      {
        words: 'agents approve',
        summary: 'let a pending agent in',
        load: async () => (await import('./commands/agents.ts')).approveAgent,
      },
      {
        words: 'agents update',
        summary: 'change label or challenges of an agent',
        load: async () => (await import('./commands/agents.ts')).updateAgent,
      },
      {
        words: 'agent-scopes set',
        summary: 'set what an agent may ask for',
        load: async () => (await import('./commands/agent-scopes.ts')).setScopes,
      },
      {
        words: 'agent-scopes list',
        summary: 'list what an agent may ask for',
        load: async () => (await import('./commands/agent-scopes.ts')).listScopes,
      },
      {
        words: 'policy get',
        summary: 'who may ask for tokens for your audiences',
        load: async () => (await import('./commands/policy.ts')).getPolicy,
      },
      {
        words: 'policy set',
        summary: 'replace the policy',
        load: async () => (await import('./commands/policy.ts')).setPolicy,
      },
      {
        words: 'audit',
        summary: 'what was done and refused',
        load: async () => (await import('./commands/audit.ts')).audit,
      },
      {
        words: 'operator token',
        summary: 'an assertion for curl and grpcurl',
        load: async () => (await import('./commands/operator-token.ts')).operatorToken,
      },
      {
        words: 'operator end-all-tokens',
        summary: 'end all tokens of your agents',
        load: async () => (await import('./commands/operator-end.ts')).endAllTokens,
      },
      {
        words: 'operator release',
        summary: 'give the domain up for good',
        load: async () => (await import('./commands/operator-end.ts')).releaseDomain,
      },
      {
        words: 'watch',
        summary: 'revocations as they happen',
        load: async () => (await import('./commands/watch.ts')).watch,
      },
      {
        words: 'proxy',
        summary: 'sign for tools that cannot, on loopback',
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
        words: 'issue',
        summary: 'get a token',
        load: async () => (await import('./commands/issue.ts')).issue,
      },
      {
        words: 'exec',
        summary: 'run a program with a token',
        load: async () => (await import('./commands/exec.ts')).exec,
      },
      {
        words: 'verify',
        summary: 'verify a token',
        load: async () => (await import('./commands/verify.ts')).verify,
      },
      {
        words: 'jwks',
        summary: 'public keys of the server',
        load: async () => (await import('./commands/jwks.ts')).jwks,
      },
      {
        words: 'revoke token',
        summary: 'end one token',
        load: async () => (await import('./commands/revoke.ts')).revokeToken,
      },
      {
        words: 'revoke suspend',
        summary: 'stop an agent',
        load: async () => (await import('./commands/revoke.ts')).suspendAgent,
      },
      {
        words: 'revoke reactivate',
        summary: 'let it go on',
        load: async () => (await import('./commands/revoke.ts')).reactivateAgent,
      },
      {
        words: 'revoke agent',
        summary: 'end an agent for good',
        load: async () => (await import('./commands/revoke.ts')).revokeAgent,
      },
      {
        words: 'revoke list',
        summary: 'agents that may not act',
        load: async () => (await import('./commands/revoke.ts')).listRevoked,
      },
    ],
  },
  {
    title: 'Administrators of a server',
    commands: [
      {
        words: 'keys list',
        summary: 'list signing keys',
        load: async () => (await import('./commands/keys.ts')).listKeys,
      },
      {
        words: 'keys rotate',
        summary: 'make new keys sign',
        load: async () => (await import('./commands/keys.ts')).rotateKeys,
      },
      {
        words: 'keys compromise',
        summary: 'end all that a key signed',
        load: async () => (await import('./commands/keys-compromise.ts')).compromiseKey,
      },
      {
        words: 'keys import',
        summary: 'take in a key made elsewhere',
        load: async () => (await import('./commands/keys-import.ts')).importKey,
      },
      {
        words: 'operator suspend',
        summary: 'stop an operator and all its tokens',
        load: async () => (await import('./commands/operator-suspend.ts')).suspendOperator,
      },
      {
        words: 'operator reinstate',
        summary: 'let it go on',
        load: async () => (await import('./commands/operator-suspend.ts')).reinstateOperator,
      },
      {
        words: 'deployment end-all-tokens',
        summary: 'end all tokens of everybody',
        load: async () => (await import('./commands/deployment.ts')).endDeploymentTokens,
      },
    ],
  },
]

/** All commands without their groups. */
export const commands: readonly CommandEntry[] = commandGroups.flatMap((group) => group.commands)
