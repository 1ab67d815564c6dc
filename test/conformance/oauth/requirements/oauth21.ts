import type { Requirement } from '../support/requirement.ts'
import {
  agentRefresh,
  agentRefusal,
  authorizeAttack,
  authorizeError,
  authorizePage,
  boundConnection,
  codeRefusal,
  redirectMatch,
  refreshAttack,
  refreshRefusal,
  refreshToken,
  secondUse,
} from '../support/tests-of.ts'

/** OAuth 2.1, a draft: what it adds to RFC 6749 for codes and refresh tokens. */
export const oauth21: readonly Requirement[] = [
  {
    section: '4.1.1',
    requirement: 'The server must compare redirect URIs as texts, except for the port of a loopback address',
    tests: [
      ...redirectMatch('refuses %s', 'accepts %s'),
      ...authorizeAttack('open redirect by error, and by code: %s gets neither'),
    ],
  },
  {
    section: '3.1',
    requirement: 'A parameter must not occur more than once',
    tests: authorizePage('a parameter twice: INVALID_ARGUMENT'),
  },
  {
    section: '4.1.1',
    requirement: 'Each authorization request must have a code challenge',
    tests: authorizeError('no code challenge'),
  },
  {
    section: '4.1.2',
    requirement: 'A code must be short-lived and bound to client, code challenge and redirect URI',
    tests: codeRefusal(
      'for another client: CODE_NOT_ACCEPTED',
      'for another redirect URI: CODE_NOT_ACCEPTED',
      'with another code verifier: CODE_NOT_ACCEPTED',
      'after 60 seconds and the skew of clocks, by the clock of the database',
    ),
  },
  {
    section: '4.1.2.1',
    requirement: 'With an unknown client or redirect URI, the server must not send the browser there',
    tests: [...authorizePage('%s: %s'), ...authorizeAttack('open redirect by error, and by code: %s gets neither')],
  },
  {
    section: '4.1.3',
    requirement: 'A code is used once; a second use should revoke the tokens of the first',
    tests: [
      ...secondUse(
        'ends the connection of the first use',
        'gives one token at most, from two processes at the same time',
      ),
      ...authorizeAttack('code replay over two processes: one gets a token, and then the connection has ended'),
    ],
  },
  {
    section: '4.1.3',
    requirement: 'The server may ask for redirect_uri in the token request of an older client',
    differs: 'redirect_uri is always needed, so that a code from one redirect URI is of no use at another',
    tests: codeRefusal('without a redirect URI: INVALID_ARGUMENT'),
  },
  {
    section: '7.5.2',
    requirement: 'A second use with a wrong parameter should revoke nothing',
    tests: secondUse('%s ends nothing, so a thief of the code alone cannot end it'),
  },
  {
    section: '4.3.1',
    requirement: 'Refresh tokens of public clients must be sender-constrained or rotated',
    tests: [
      ...refreshToken('gives another token of the same connection, and the next refresh token'),
      ...boundConnection('needs a proof of the same key each time, and its refresh token stays'),
      ...agentRefresh('and refreshes with the same refresh token, because it is bound to the key'),
    ],
  },
  {
    section: '3.2.1',
    requirement: 'A confidential client must authenticate for a code, and the code must be its own',
    tests: agentRefusal(
      'without an assertion: UNAUTHENTICATED',
      'with an assertion of a foreign key: INVALID_SIGNATURE',
      'for the code of another agent: CODE_NOT_ACCEPTED',
    ),
  },
  {
    section: '4.3.1',
    requirement: 'The replay of an older refresh token ends the active one',
    tests: [
      ...refreshToken('that is older ends the connection, because two have it'),
      ...refreshAttack('replay: an old one ends the connection with all its tokens, for the thief and for the client'),
    ],
  },
  {
    section: '4.3.1',
    requirement: 'A refresh token is bound to its client, its scopes and its resource',
    tests: refreshRefusal(
      'of another client: REFRESH_NOT_ACCEPTED',
      'for another resource: INVALID_AUDIENCE',
      'for more scopes: SCOPE_NOT_ALLOWED',
    ),
  },
]
