import type { Noun } from '../command.ts'

/** The commands of the noun `trust`. */
export const trust: Noun = {
  noun: 'trust',
  summary: 'statements of trust between operators',
  commands: [
    {
      words: 'trust offer',
      summary: 'sign a trust statement about another operator',
      load: async () => (await import('../commands/trust.ts')).offerTrust,
    },
    {
      words: 'trust accept',
      summary: 'sign a trust statement that another operator has proposed',
      load: async () => (await import('../commands/trust.ts')).acceptTrust,
    },
    {
      words: 'trust dismiss',
      summary: 'delete a trust statement that another operator has proposed',
      load: async () => (await import('../commands/trust.ts')).dismissTrust,
    },
    {
      words: 'trust list',
      summary: 'list trust statements, or proposals of other operators',
      load: async () => (await import('../commands/trust.ts')).listTrust,
    },
    {
      words: 'trust revoke',
      summary: 'end a trust statement',
      load: async () => (await import('../commands/trust.ts')).revokeTrust,
    },
    {
      words: 'trust explain',
      summary: 'explain whether a token would be accepted, and else who can do what about it',
      load: async () => (await import('../commands/trust-explain.ts')).explainTrust,
    },
    {
      words: 'trust list-admissions',
      former: ['trust admissions'],
      summary: 'list who of other deployments may call an audience',
      load: async () => (await import('../commands/trust-admissions.ts')).trustAdmissions,
    },
    {
      words: 'trust show-graph',
      former: ['trust graph'],
      summary: 'list or export the graph of trust statements',
      load: async () => (await import('../commands/trust-graph.ts')).trustGraph,
    },
  ],
}
