import type { Noun } from '../command.ts'

/** The commands of the noun `operator`. */
export const operator: Noun = {
  noun: 'operator',
  summary: 'owners of domains: register, prove the domain, end tokens',
  commands: [
    {
      words: 'operator register',
      former: ['register operator'],
      summary: 'register your domain and root key',
      load: async () => (await import('../commands/register-operator.ts')).registerOperator,
    },
    {
      words: 'operator show-proof',
      former: ['verify-operator instructions'],
      summary: 'show the proof of the domain, a TXT record to publish',
      load: async () => (await import('../commands/verify-operator.ts')).instructions,
    },
    {
      words: 'operator confirm',
      former: ['verify-operator confirm'],
      summary: 'ask the server to look for the proof now',
      load: async () => (await import('../commands/verify-operator.ts')).confirm,
    },
    {
      words: 'operator status',
      former: ['verify-operator status'],
      summary: 'show the state of the operator',
      load: async () => (await import('../commands/verify-operator.ts')).status,
    },
    {
      words: 'operator show-id',
      former: ['operator id'],
      summary: 'show the id of the operator',
      load: async () => (await import('../commands/operator-id.ts')).operatorId,
    },
    {
      words: 'operator end-all-tokens',
      summary: 'end all tokens of your agents',
      load: async () => (await import('../commands/operator-end.ts')).endAllTokens,
    },
    {
      words: 'operator release-domain',
      former: ['operator release'],
      summary: 'give up the domain for good',
      load: async () => (await import('../commands/operator-end.ts')).releaseDomain,
    },
    {
      words: 'operator proxy',
      former: ['proxy'],
      summary: 'sign operator calls for local tools that cannot sign',
      load: async () => (await import('../commands/proxy.ts')).proxy,
    },
    {
      words: 'operator suspend',
      summary: 'suspend an operator and end all tokens of its agents',
      load: async () => (await import('../commands/operator-suspend.ts')).suspendOperator,
    },
    {
      words: 'operator reinstate',
      summary: 'let a suspended operator act again',
      load: async () => (await import('../commands/operator-suspend.ts')).reinstateOperator,
    },
  ],
}
