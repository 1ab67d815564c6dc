import type { Requirement } from '../support/requirement.ts'
import { actorToken, exchangedChain, exchangedToken, exchangeForm, exchangeRefusal } from '../support/tests-of.ts'

/** RFC 8693: token exchange. */
export const rfc8693: readonly Requirement[] = [
  {
    section: '2.1',
    requirement: 'The subject_token and its type are required',
    tests: exchangeForm('%s %s'),
  },
  {
    section: '2.1',
    requirement: 'The actor_token_type is required with an actor_token and must not come without one',
    tests: exchangeForm('%s %s'),
  },
  {
    section: '2.1',
    requirement: 'The server must be able to authenticate the client and to refuse it',
    tests: exchangeRefusal('%s %s'),
  },
  {
    section: '2.1',
    requirement: 'The server must perform the validation that the type of the token needs',
    tests: exchangeRefusal('%s %s'),
  },
  {
    section: '2.2.1',
    requirement: 'The answer has access_token, issued_token_type and token_type',
    tests: exchangedChain('for a token of the first holder with which the last one acts'),
  },
  {
    section: '2.2.2',
    requirement: 'An invalid subject_token or actor_token is invalid_request, and an unwanted target invalid_target',
    tests: ['test/contract/oauth.test.ts › the errors of the OAuth endpoints are the published ones'],
  },
  {
    section: '4.1',
    requirement: 'The claim act names the current actor outermost, and earlier ones nested in it',
    tests: exchangedChain('for a token of the first holder with which the last one acts'),
  },
  {
    section: '4.4',
    requirement: 'The claim may_act says who may act for the subject, and no other party may',
    tests: exchangedToken('by the agent that it names, for no more than it allows', '%s %s'),
  },
  {
    section: '1.1',
    requirement:
      'A client that impersonates is not distinguishable from the subject, so the server issues no such token',
    tests: actorToken('%s for %s'),
  },
  {
    section: '2.1',
    requirement: 'The parameter audience names a target by a logical name',
    notOurs: 'The parameter resource names every audience, so audience is refused with invalid_target',
  },
]
