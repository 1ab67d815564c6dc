import type { Noun } from '../command.ts'

/** The commands of the noun `trust-anchor`. */
export const trustAnchor: Noun = {
  noun: 'trust-anchor',
  summary: 'trust anchors of OpenID Federation',
  commands: [
    {
      words: 'trust-anchor add',
      former: ['issuers anchors add'],
      summary: 'trust an anchor of OpenID Federation',
      load: async () => (await import('../commands/issuers-anchors.ts')).addAnchor,
    },
    {
      words: 'trust-anchor list',
      former: ['issuers anchors list'],
      summary: 'list the trust anchors',
      load: async () => (await import('../commands/issuers-anchors.ts')).listAnchors,
    },
    {
      words: 'trust-anchor remove',
      former: ['issuers anchors remove'],
      summary: 'trust an anchor no longer',
      load: async () => (await import('../commands/issuers-anchors.ts')).removeAnchor,
    },
  ],
}
