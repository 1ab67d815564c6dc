import type { Noun } from '../command.ts'

/** The commands of the noun `agent-key`. */
export const agentKey: Noun = {
  noun: 'agent-key',
  summary: 'keys of an agent, and the log of its key events',
  commands: [
    {
      words: 'agent-key list',
      summary: 'show the keys of an agent',
      load: async () => (await import('../commands/agent-key-log.ts')).listAgentKeys,
    },
    {
      words: 'agent-key create',
      summary: 'create the file of another key, to add or to commit to',
      load: async () => (await import('../commands/agent-key-change.ts')).createAgentKey,
    },
    {
      words: 'agent-key export',
      summary: 'write the private key of the agent as a JWK, for OAuth libraries',
      load: async () => (await import('../commands/agent-key.ts')).exportAgentKey,
    },
    {
      words: 'agent-key rotate',
      summary: 'replace the identity key of the agent',
      load: async () => (await import('../commands/agent-key-change.ts')).rotateAgentKey,
    },
    {
      words: 'agent-key add',
      summary: 'add a key that may authenticate the agent',
      load: async () => (await import('../commands/agent-key-change.ts')).addAgentKey,
    },
    {
      words: 'agent-key remove',
      summary: 'remove an added key',
      load: async () => (await import('../commands/agent-key-change.ts')).removeAgentKey,
    },
    {
      words: 'agent-key list-events',
      former: ['agent-key events'],
      summary: 'show the log of key events of an agent, and verify it',
      load: async () => (await import('../commands/agent-key-log.ts')).listAgentKeyEvents,
    },
    {
      words: 'agent-key verify-events',
      former: ['agent-key verify'],
      summary: 'verify a log of key events in a file, without a server',
      load: async () => (await import('../commands/agent-key-log.ts')).verifyAgentKeyEvents,
    },
    {
      words: 'agent-key recover',
      summary: 'recover an agent whose identity key is lost or stolen',
      load: async () => (await import('../commands/agent-key-recovery.ts')).recoverAgentKey,
    },
    {
      words: 'agent-key object-to-recovery',
      former: ['agent-key object'],
      summary: 'end a recovery that nobody asked for',
      load: async () => (await import('../commands/agent-key-recovery.ts')).objectToRecovery,
    },
    {
      words: 'agent-key use',
      summary: 'make a key file the key of agent.json, after a recovery',
      load: async () => (await import('../commands/agent-key-recovery.ts')).useAgentKey,
    },
  ],
}
