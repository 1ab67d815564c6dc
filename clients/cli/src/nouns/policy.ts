import type { Noun } from '../command.ts'

/** The commands of the noun `policy`. */
export const policy: Noun = {
  noun: 'policy',
  summary: 'rules of the operator about its audiences, agents and grants',
  commands: [
    {
      words: 'policy show',
      former: ['policy get'],
      summary: 'show the policy for your audiences and challenges',
      load: async () => (await import('../commands/policy.ts')).getPolicy,
    },
    {
      words: 'policy set',
      summary: 'change the policy',
      load: async () => (await import('../commands/policy.ts')).setPolicy,
    },
  ],
}
