import type { Noun } from '../command.ts'

/** The commands of the noun `agent`. */
export const agent: Noun = {
  noun: 'agent',
  summary: 'programs that sign in: register, approve, suspend, move them',
  commands: [
    {
      words: 'agent list',
      former: ['agents list'],
      summary: 'list agents; pending agents only with --status pending',
      load: async () => (await import('../commands/agents.ts')).listAgents,
    },
    {
      words: 'agent register',
      former: ['register agent'],
      summary: 'register an agent under its operator',
      load: async () => (await import('../commands/register-agent.ts')).registerAgent,
    },
    {
      words: 'agent enrol',
      former: ['enrol'],
      summary: 'let an agent enrol itself with evidence',
      load: async () => (await import('../commands/enrol.ts')).enrolAgent,
    },
    {
      words: 'agent approve',
      former: ['agents approve'],
      summary: 'make a pending agent active',
      load: async () => (await import('../commands/agents.ts')).approveAgent,
    },
    {
      words: 'agent update',
      former: ['agents update'],
      summary: 'change the label of an agent, or whether it needs bound challenges',
      load: async () => (await import('../commands/agents.ts')).updateAgent,
    },
    {
      words: 'agent suspend',
      former: ['revoke suspend'],
      summary: 'suspend an agent',
      load: async () => (await import('../commands/revoke.ts')).suspendAgent,
    },
    {
      words: 'agent reactivate',
      former: ['revoke reactivate'],
      summary: 'let a suspended agent sign in again',
      load: async () => (await import('../commands/revoke.ts')).reactivateAgent,
    },
    {
      words: 'agent revoke',
      former: ['revoke agent'],
      summary: 'revoke an agent for good',
      load: async () => (await import('../commands/revoke.ts')).revokeAgent,
    },
    {
      words: 'agent list-revoked',
      former: ['revoke list'],
      summary: 'list suspended and revoked agents',
      load: async () => (await import('../commands/revoke.ts')).listRevoked,
    },
    {
      words: 'agent move',
      former: ['agent-key move'],
      summary: 'ask to move to another operator or server',
      load: async () => (await import('../commands/agent-key-move.ts')).moveAgent,
    },
    {
      words: 'agent release',
      former: ['agents release'],
      summary: 'let an agent go that has asked for a move',
      load: async () => (await import('../commands/agent-moves.ts')).releaseAgent,
    },
    {
      words: 'agent object-to-move',
      former: ['agents object-to-move'],
      summary: 'end a move for which an agent has asked',
      load: async () => (await import('../commands/agent-moves.ts')).objectToMove,
    },
    {
      words: 'agent admit',
      former: ['agents admit'],
      summary: 'admit an agent that moves to you',
      load: async () => (await import('../commands/agent-moves.ts')).admitAgent,
    },
    {
      words: 'agent finish-move',
      former: ['agent-key finish-move'],
      summary: 'use the new DID, after another operator has admitted the agent',
      load: async () => (await import('../commands/agent-key-finish-move.ts')).finishMove,
    },
    {
      words: 'agent export-bundle',
      former: ['agents export'],
      summary: 'write the bundle of an agent that has moved to another server',
      load: async () => (await import('../commands/agent-moves.ts')).exportAgent,
    },
    {
      words: 'agent verify-bundle',
      former: ['agents verify-bundle'],
      summary: 'verify a bundle of an agent, without a server',
      load: async () => (await import('../commands/verify-bundle.ts')).verifyBundle,
    },
    {
      words: 'agent deactivate',
      former: ['agent-key deactivate'],
      summary: 'end the identity of the agent for good',
      load: async () => (await import('../commands/agent-key-change.ts')).deactivateAgent,
    },
    {
      words: 'agent proxy',
      former: ['api-proxy'],
      summary: "send requests of local tools to an API with the agent's token",
      load: async () => (await import('../commands/api-proxy.ts')).apiProxy,
    },
  ],
}
