import type { Requirement } from '../support/requirement.ts'
import { authorizeAnswer, authorizeAttack, authorizeError, metadata, providerAnswer } from '../support/tests-of.ts'

const PROVIDERS = 'services/people/sign-in/odd-providers.test.ts › finishFlow'

/** RFC 9207: the issuer in the authorization response. */
export const rfc9207: readonly Requirement[] = [
  {
    section: '2',
    requirement: 'Each authorization response must have iss, and so must an error',
    tests: [
      ...authorizeAnswer('gives a code at once, with the state and the issuer'),
      ...authorizeError('an unknown prompt'),
      ...authorizeAttack('mix-up: every answer names the issuer, also an error'),
    ],
  },
  {
    section: '2.3',
    requirement: 'The metadata has authorization_response_iss_parameter_supported',
    tests: metadata('names only what the server has'),
  },
  {
    section: '2.4',
    requirement: 'A client compares iss with the issuer of the provider, and refuses an answer without it',
    tests: [
      ...providerAnswer('is refused without the issuer'),
      `${PROVIDERS} › sends no code of one provider to another one that answers without an issuer (mix-up)`,
    ],
  },
]
