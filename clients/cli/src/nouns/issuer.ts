import type { Noun } from '../command.ts'

/** The commands of the noun `issuer`. */
export const issuer: Noun = {
  noun: 'issuer',
  summary: 'other issuers that the server admits',
  commands: [
    {
      words: 'issuer add',
      former: ['issuers add'],
      summary: 'admit a foreign issuer',
      load: async () => (await import('../commands/issuers-add.ts')).addIssuer,
    },
    {
      words: 'issuer list',
      former: ['issuers list'],
      summary: 'list foreign issuers',
      load: async () => (await import('../commands/issuers.ts')).listIssuers,
    },
    {
      words: 'issuer show',
      former: ['issuers show'],
      summary: 'show a foreign issuer with its keys and domains',
      load: async () => (await import('../commands/issuers.ts')).showIssuer,
    },
    {
      words: 'issuer disable',
      former: ['issuers disable'],
      summary: 'end the admission of an issuer',
      load: async () => (await import('../commands/issuers-change.ts')).disableIssuer,
    },
    {
      words: 'issuer enable',
      former: ['issuers enable'],
      summary: 'admit a disabled issuer again',
      load: async () => (await import('../commands/issuers-change.ts')).enableIssuer,
    },
    {
      words: 'issuer readmit-key',
      former: ['issuers readmit-key'],
      summary: 'accept a key again that an issuer had withdrawn',
      load: async () => (await import('../commands/issuers-change.ts')).readmitIssuerKey,
    },
    {
      words: 'issuer discover',
      former: ['issuers discover'],
      summary: 'look for the trust chain of an issuer',
      load: async () => (await import('../commands/issuers-discover.ts')).discoverIssuer,
    },
    {
      words: 'issuer list-candidates',
      former: ['issuers candidates'],
      summary: 'list the issuers with a trust chain that wait for approval',
      load: async () => (await import('../commands/issuers-discover.ts')).listCandidates,
    },
    {
      words: 'issuer add-subject',
      former: ['issuers subjects add'],
      summary: 'say which user a subject of an identity provider is',
      load: async () => (await import('../commands/issuers-subjects.ts')).addSubject,
    },
    {
      words: 'issuer list-subjects',
      former: ['issuers subjects list'],
      summary: 'list the rules about subjects of an identity provider',
      load: async () => (await import('../commands/issuers-subjects.ts')).listSubjects,
    },
    {
      words: 'issuer remove-subject',
      former: ['issuers subjects remove'],
      summary: 'remove such a rule, and end its tokens',
      load: async () => (await import('../commands/issuers-subjects.ts')).removeSubject,
    },
  ],
}
