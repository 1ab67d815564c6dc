import type { Requirement } from '../support/requirement.ts'
import { authorizeAnswer, authorizeError, redirectForm, redirectMatch } from '../support/tests-of.ts'

/** RFC 8252: programs on the computer of the user. */
export const rfc8252: readonly Requirement[] = [
  {
    section: '7.1',
    requirement: 'A server must support redirect URIs with a private-use scheme',
    differs: 'Any program can claim such a scheme, and MCP allows only https and this computer',
    tests: redirectForm('refuses a private-use scheme', 'refuses a private-use scheme with a host'),
  },
  {
    section: '7.3',
    requirement: 'The server must allow any port for a loopback redirect URI',
    tests: redirectMatch(
      'accepts a port where none is registered',
      'accepts another port than the registered one',
      'accepts no port where one is registered',
    ),
  },
  {
    section: '7.3',
    requirement: 'Only the port may differ',
    tests: redirectMatch(
      'refuses another name of this computer',
      'refuses another family of addresses',
      'refuses a loopback address that goes on',
    ),
  },
  {
    section: '8.1',
    requirement: 'A server must refuse a request of a native client without PKCE',
    tests: authorizeError('no code challenge'),
  },
  {
    section: '8.4',
    requirement: 'A client must register its complete redirect URIs, and the server refuses others',
    tests: redirectMatch('refuses %s', 'refuses everything for a client without redirect URIs'),
  },
  {
    section: '8.6',
    requirement: 'The server should not answer for a native client without asking the user',
    tests: [
      ...authorizeAnswer('is a question all the same if the client is a program on the computer'),
      'test/e2e/people-attacks/people-attacks.test.ts › attacks by clients › loopback client that reuses a consent: the person is asked each time',
    ],
  },
]
