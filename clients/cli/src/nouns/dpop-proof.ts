import type { Noun } from '../command.ts'

/** The commands of the noun `dpop-proof`. */
export const dpopProof: Noun = {
  noun: 'dpop-proof',
  summary: 'signed JWTs for requests with bound tokens',
  commands: [
    {
      words: 'dpop-proof create',
      former: ['dpop-proof'],
      summary: 'print a DPoP proof: a signed JWT for one request with a bound token',
      load: async () => (await import('../commands/dpop-proof.ts')).dpopProof,
    },
  ],
}
