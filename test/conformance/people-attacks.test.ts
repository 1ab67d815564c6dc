import { expect, it } from 'vitest'
import { hasTest } from './oauth/support/find-titles.ts'
import { SEPARATOR } from './oauth/support/requirement.ts'

const STORY = 'test/e2e/people-attacks/people-attacks.test.ts'
const REGISTERED = 'test/e2e/people-attacks/registered-attacks.test.ts'
const BY_REGISTERED = 'attacks by registered clients'
const SIGN_IN = 'test/e2e/sign-in/sign-in.test.ts'
const PEOPLE = 'services/people'
const FETCHED = `${PEOPLE}/clients/fetch-document.test.ts`
const FLOW = `${PEOPLE}/sign-in/sign-in.test.ts`
const CODES = 'services/authn/for-users/redeem-code.test.ts'
const AUTHORIZE = 'attacks on the authorization endpoint'
const CONSENT = 'attacks on the page of consent'
const REFRESH = 'attacks with a refresh token'
const fetched = (what: string) => [FETCHED, 'fetchDocument', what]

/** Attacks on people, their pages and their clients, each with a test that fails if the attack succeeds. */
const ATTACKS: readonly (readonly [attack: string, test: readonly string[]])[] = [
  ['mix-up', [STORY, AUTHORIZE, 'mix-up: every answer names the issuer, also an error']],
  ['code injection', [STORY, AUTHORIZE, 'code injection: a code is of no use with the verifier of another flow']],
  [
    'code replay over two processes',
    [STORY, AUTHORIZE, 'code replay over two processes: one gets a token, and then the connection has ended'],
  ],
  ['open redirect, each form of it', [STORY, AUTHORIZE, 'open redirect by error, and by code: %s gets neither']],
  [
    'prompt=none as an oracle',
    [STORY, AUTHORIZE, 'prompt=none as an oracle: it tells nobody whether a person is signed in'],
  ],
  ['document on a private, loopback or NAT64 address', fetched('refuses a document at %s')],
  [
    'document on a rebinding address',
    fetched('refuses a name that has a public and a private address, and one whose first address is private'),
  ],
  ['document: redirect, compression, 1 GB, other client_id', fetched('refuses a document %s with %s, and asks once')],
  ['document: slow bytes', fetched('waits 5 seconds for a document that comes byte by byte')],
  [
    'document: duplicate members',
    [`${PEOPLE}/clients/domain/read-document.test.ts`, 'readDocument', 'refuses a member twice in two spellings'],
  ],
  [
    'famous name on a strange host, and text of a client as markup',
    [
      STORY,
      'attacks by clients',
      'famous name on a strange host: the page shows the host, and the text of a client is never markup',
    ],
  ],
  [
    'loopback client that reuses a consent',
    [STORY, 'attacks by clients', 'loopback client that reuses a consent: the person is asked each time'],
  ],
  [
    'registration: open redirect',
    [
      REGISTERED,
      BY_REGISTERED,
      'open redirect by registering: an error is a page before the person has allowed the client anything',
    ],
  ],
  [
    'registration: famous host beside an own one',
    [
      REGISTERED,
      BY_REGISTERED,
      'famous host beside an own one: what the person allows for the one gives nothing to the other',
    ],
  ],
  [
    'registration: famous name, and markup as name',
    [
      REGISTERED,
      BY_REGISTERED,
      'famous name and text of a client as markup: the page shows where the answer goes, and that nobody verified it',
    ],
  ],
  [
    'registration: foreign sealed text',
    [
      REGISTERED,
      BY_REGISTERED,
      'foreign sealed text: a code and a refresh token are no client ids, and a client id is neither',
    ],
  ],
  [
    'registration: tampered or oversize client id',
    [REGISTERED, BY_REGISTERED, 'tampered and oversize: no other text names a client'],
  ],
  [
    'registration: flood',
    [REGISTERED, BY_REGISTERED, 'flood: a registration writes no row, and one source can send only so many'],
  ],
  ['provider mix-up', [FLOW, 'a sign-in at oidc-provider', 'is refused at the redirect URI of another provider']],
  ['state of another browser', [FLOW, 'a sign-in at oidc-provider', 'is refused with the cookie of another sign-in']],
  ['login CSRF', [SIGN_IN, 'the pages of a sign-in', 'finish no sign-in in another browser (login CSRF), nor by HEAD']],
  ['fixation', [STORY, 'attacks on the sign-in', 'fixation: a sign-in takes over no session, and ends the one before']],
  [
    "provider that answers for another operator's users",
    [
      `${PEOPLE}/users/sign-in-user.test.ts`,
      'signInUser',
      'refuses a provider of another operator, one that is gone, and one that was changed meanwhile',
    ],
  ],
  [
    'e-mail that changes hands',
    [
      STORY,
      'attacks on the sign-in',
      'e-mail that changes hands: another subject with the same e-mail is another user',
    ],
  ],
  [
    'domain field as an oracle',
    [
      STORY,
      'attacks on the sign-in',
      'domain field as an oracle: an unknown domain and one that may not come get one answer',
    ],
  ],
  ['forged form', [STORY, CONSENT, 'forged form: of another site gives no code']],
  ['foreign form', [STORY, CONSENT, 'foreign form: the form of another person gives no code']],
  ['stale form', [STORY, CONSENT, 'stale form: about another request gives no code']],
  ['frame and popup', [STORY, CONSENT, 'frame and popup: no other page can show or reach it']],
  [
    'consent with an old session',
    [`${PEOPLE}/authorize/routes.test.ts`, 'the answer of a user', 'long after the sign-in is refused: SESSION_ENDED'],
  ],
  [
    'stolen session',
    ['test/contract/stolen-session.test.ts', 'a stolen session can call none of the methods that need a signature'],
  ],
  [
    'refresh replay',
    [STORY, REFRESH, 'replay: an old one ends the connection with all its tokens, for the thief and for the client'],
  ],
  ['race of 100', [STORY, REFRESH, 'race of 100 at two processes: every answer has the same next refresh token']],
  ['junk with a known handle', [STORY, REFRESH, 'junk with a known handle, and another client, end nothing']],
  [
    'other key',
    [
      'services/authn/for-users/redeem-refresh-token.test.ts',
      'a connection that began with a DPoP proof',
      'needs a proof of the same key each time, and its refresh token stays',
    ],
  ],
  ['code guessed', [CODES, 'a code is refused, and is not used up,', 'that %s']],
  ['code of another client', [STORY, REFRESH, 'a code of another client is of no use']],
]

it.each(ATTACKS)('the attack "%s" has a test that exists', (_, [file = '', ...titles]) => {
  expect(hasTest(file, titles.join(SEPARATOR))).toBe(true)
})
