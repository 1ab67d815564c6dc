import type { Noun } from '../command.ts'

/** The commands of the noun `grant`. */
export const grant: Noun = {
  noun: 'grant',
  summary: 'chains of grants: capabilities that one agent gives another',
  commands: [
    {
      words: 'grant create',
      former: ['delegate'],
      summary: 'give another agent a part of the authority of the agent',
      load: async () => (await import('../commands/delegate.ts')).delegate,
    },
    {
      words: 'grant inspect',
      summary: 'show a chain of grants: who gave what to whom',
      load: async () => (await import('../commands/grant-inspect.ts')).inspectGrant,
    },
    {
      words: 'grant explain',
      summary: 'say why a chain of grants is refused: which grant, which rule, what to do',
      load: async () => (await import('../commands/grant-explain.ts')).explainGrant,
    },
    {
      words: 'grant exchange',
      summary: 'get an access token for a chain of grants',
      load: async () => (await import('../commands/grant-exchange.ts')).exchangeGrant,
    },
    {
      words: 'grant revoke',
      summary: 'revoke the last grant of a chain, and everything made from it',
      load: async () => (await import('../commands/grant-revoke.ts')).revokeGrant,
    },
  ],
}
