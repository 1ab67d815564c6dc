import type { Noun } from '../command.ts'

/** The commands of the noun `scope`. */
export const scope: Noun = {
  noun: 'scope',
  summary: 'scopes that the operator grants an agent',
  commands: [
    {
      words: 'scope set',
      former: ['agent-scopes set'],
      summary: 'set the scopes of an agent',
      load: async () => (await import('../commands/agent-scopes.ts')).setScopes,
    },
    {
      words: 'scope list',
      former: ['agent-scopes list'],
      summary: 'list the scopes of an agent',
      load: async () => (await import('../commands/agent-scopes.ts')).listScopes,
    },
  ],
}
