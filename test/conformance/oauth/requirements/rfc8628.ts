import type { Requirement } from '../support/requirement.ts'
import { device, deviceClient, devicePage, deviceRefusal, metadata, userCode } from '../support/tests-of.ts'

const WHOLE = 'gives a token and a refresh token when the user has allowed it'

/** RFC 8628: device authorization grant. */
export const rfc8628: readonly Requirement[] = [
  {
    section: '3.1',
    requirement: 'A client authenticates at the device authorization endpoint as at the token endpoint',
    tests: deviceClient('a device with private_key_jwt gets a token, and nobody gets one without its key'),
  },
  {
    section: '3.2',
    requirement: 'The answer has device_code, user_code, verification_uri, expires_in and interval',
    tests: device(WHOLE),
  },
  {
    section: '3.3.1',
    requirement: 'The answer may have verification_uri_complete',
    notOurs: 'a link that has the code in it makes it easier to send the code to somebody else',
  },
  {
    section: '3.4',
    requirement: 'The device code counts only for the client to which it was given',
    tests: device('of another client is refused, and is not slowed down'),
  },
  {
    section: '3.5',
    requirement: 'A request before the user has answered gets authorization_pending',
    tests: device(WHOLE),
  },
  {
    section: '3.5',
    requirement: 'A client that asks too often gets slow_down, and its interval grows by 5 seconds',
    tests: device('whose client asks too early makes the interval longer'),
  },
  {
    section: '3.5',
    requirement: 'A request that the user has refused gets access_denied',
    tests: device('is refused when the user has refused'),
  },
  { section: '3.5', requirement: 'A code that has expired gets expired_token', tests: device('expires') },
  {
    section: '4',
    requirement: 'The metadata name the device authorization endpoint',
    tests: metadata('names only what the server has'),
  },
  {
    section: '5.1',
    requirement: 'The server limits how often somebody can try user codes',
    tests: devicePage('refuses a wrong code, and the sixth code of a person in a minute, also in another session'),
  },
  {
    section: '5.2',
    requirement: 'A device code is too long to be guessed, and counts once',
    tests: device(WHOLE, 'gives one token to a hundred requests at two processes'),
  },
  {
    section: '5.4',
    requirement: 'The page tells the person that a device is asking, and which client it is',
    tests: deviceClient(
      'a device with openid-client without DPoP › gets a token when its person has typed the code and allowed it',
    ),
  },
  {
    section: '6.1',
    requirement: 'A user code has letters that are not taken for each other, and is read without case and punctuation',
    tests: userCode(
      'has eight letters, is shown in two halves, and is read as it is shown',
      'is read in small letters',
    ),
  },
  {
    section: '3.5',
    requirement: 'A server that may not let the client use the grant answers unauthorized_client',
    tests: deviceRefusal('where the owner of the audience does not let it'),
  },
]
