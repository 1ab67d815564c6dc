import type { CommandEntry } from './command.ts'

/** Commands that the help shows under one title. */
export interface CommandGroup {
  readonly title: string
  readonly commands: readonly CommandEntry[]
}

/** All commands, in the order of the help. Each module is loaded on demand, so that the tool starts fast. */
export const commandGroups: readonly CommandGroup[] = [
  {
    title: 'This machine',
    commands: [
      {
        words: 'demo',
        summary: 'see operator, agent and API at work',
        load: async () => (await import('./commands/demo.ts')).demo,
      },
      {
        words: 'init',
        summary: 'make the key and configuration of an agent or operator',
        load: async () => (await import('./commands/init.ts')).init,
      },
      {
        words: 'whoami',
        summary: 'show the agent and operator of this folder',
        load: async () => (await import('./commands/whoami.ts')).whoami,
      },
      {
        words: 'set-server',
        summary: 'change the server in the configuration',
        load: async () => (await import('./commands/set-server.ts')).setServer,
      },
      {
        words: 'context list',
        summary: 'list folders for several servers or parties',
        load: async () => (await import('./commands/contexts.ts')).listContexts,
      },
      {
        words: 'context use',
        summary: 'choose the context for all commands',
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
        summary: 'find problems and say what to do',
        load: async () => (await import('./commands/doctor.ts')).doctor,
      },
      {
        words: 'completion',
        summary: 'complete commands and flags in your shell',
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
        summary: 'show the DNS record that proves the domain',
        load: async () => (await import('./commands/verify-operator.ts')).instructions,
      },
      {
        words: 'verify-operator confirm',
        summary: 'ask the server to look for the record now',
        load: async () => (await import('./commands/verify-operator.ts')).confirm,
      },
      {
        words: 'verify-operator status',
        summary: 'show the state of the operator',
        load: async () => (await import('./commands/verify-operator.ts')).status,
      },
      {
        words: 'agents list',
        summary: 'list agents, also pending ones',
        load: async () => (await import('./commands/agents.ts')).listAgents,
      },
      {
        words: 'agents approve',
        summary: 'make a pending agent active',
        load: async () => (await import('./commands/agents.ts')).approveAgent,
      },
      {
        words: 'agents update',
        summary: 'change the label of an agent, or its challenges',
        load: async () => (await import('./commands/agents.ts')).updateAgent,
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
        summary: 'show who may ask for tokens for your audiences',
        load: async () => (await import('./commands/policy.ts')).getPolicy,
      },
      {
        words: 'policy set',
        summary: 'replace the policy',
        load: async () => (await import('./commands/policy.ts')).setPolicy,
      },
      {
        words: 'audit',
        summary: 'list what was done and refused',
        load: async () => (await import('./commands/audit.ts')).audit,
      },
      {
        words: 'operator token',
        summary: 'print an assertion for curl or grpcurl',
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
        summary: 'sign calls of local tools that cannot sign',
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
        summary: 'end the suspension of an agent',
        load: async () => (await import('./commands/revoke.ts')).reactivateAgent,
      },
      {
        words: 'revoke agent',
        summary: 'end an agent for good',
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
    title: 'Administrators of a server',
    commands: [
      {
        words: 'keys list',
        summary: 'list signing keys',
        load: async () => (await import('./commands/keys.ts')).listKeys,
      },
      {
        words: 'keys rotate',
        summary: 'start to sign with the next keys',
        load: async () => (await import('./commands/keys.ts')).rotateKeys,
      },
      {
        words: 'keys compromise',
        summary: 'end a leaked key and all tokens that it signed',
        load: async () => (await import('./commands/keys-compromise.ts')).compromiseKey,
      },
      {
        words: 'keys import',
        summary: 'import a key made elsewhere',
        load: async () => (await import('./commands/keys-import.ts')).importKey,
      },
      {
        words: 'operator suspend',
        summary: 'suspend an operator and end its tokens',
        load: async () => (await import('./commands/operator-suspend.ts')).suspendOperator,
      },
      {
        words: 'operator reinstate',
        summary: 'end the suspension of an operator',
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
