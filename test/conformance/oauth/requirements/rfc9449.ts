import type { Requirement } from '../support/requirement.ts'
import {
  badProof,
  boundConnection,
  dpopAudience,
  goodProof,
  grpcProof,
  guardRefusal,
  introspection,
  metadata,
  nativeToken,
  nonce,
  otherInstance,
  otherLibraries,
  replayStore,
  verifierRefusal,
  verify,
  writtenChallenge,
} from '../support/tests-of.ts'

const REPLAYED = 'that was used before, also for another agent and with another assertion'

/** RFC 9449, from section 5: tokens that are bound to a key, nonces, and replayed proofs. */
export const rfc9449: readonly Requirement[] = [
  {
    section: '5',
    requirement: 'The error of a proof that is not valid must be invalid_dpop_proof',
    tests: badProof('%s'),
  },
  {
    section: '5',
    requirement: 'The answer with a bound token must have the token_type DPoP',
    tests: [
      ...goodProof('binds the token to its key: %s'),
      ...nativeToken('binds the token to the key of the proof'),
      ...grpcProof('binds the token if htu is the URL of the method', 'binds a token of a redeemed challenge too'),
    ],
  },
  {
    section: '5',
    requirement: 'A refresh token of a public client must be bound to its key',
    tests: boundConnection('needs a proof of the same key each time, and its refresh token stays'),
  },
  {
    section: '5.1',
    requirement: 'The metadata has the algorithms of proofs, without none and without MACs',
    tests: metadata('names only what the server has'),
  },
  {
    section: '5.2',
    requirement: 'A client that is registered for DPoP must always use it',
    notOurs: 'Not clients but the rules of audiences demand DPoP; section 7.2 has their tests',
  },
  {
    section: '6',
    requirement: 'The server must bind the token so that a resource server can find out its key',
    tests: [
      ...goodProof('binds the token to its key: %s'),
      ...introspection('describes a bound token with its key and the token_type DPoP, without a proof'),
    ],
  },
  {
    section: '6.1',
    requirement: 'The member jkt of cnf must be the SHA-256 thumbprint of the key',
    tests: [
      ...goodProof('binds the token to its key: %s'),
      ...goodProof('is accepted with other public members in jwk'),
    ],
  },
  {
    section: '6.2',
    requirement: 'The introspection of a bound token must have the token_type DPoP, and contains cnf',
    tests: introspection('describes a bound token with its key and the token_type DPoP, without a proof'),
  },
  {
    section: '7.1',
    requirement: 'A resource server must give no access with a bound token unless every check of the proof succeeds',
    tests: [
      ...verify(
        'refuses a bound token without a proof',
        'accepts a bound token with a proof of its key for this request',
      ),
      ...verifierRefusal('a bound token without a proof'),
      ...otherLibraries('accepts %s proofs of oauth4webapi, each once'),
      ...guardRefusal('a bound token under DPoP without a proof'),
    ],
  },
  {
    section: '7.1',
    requirement: 'A challenge has the scheme DPoP, and should name the error and the algorithms of proofs',
    tests: [
      ...guardRefusal('no Authorization header', 'a proof for another URL, and names the right one'),
      ...writtenChallenge('createChallenge writes an error under DPoP', 'createChallenge writes only DPoP'),
      ...otherLibraries('refuses with challenges that oauth4webapi can read'),
    ],
  },
  {
    section: '7.2',
    requirement: 'A resource server must refuse a bound token that comes as a bearer token',
    tests: [
      ...verify('refuses a bound token without a proof'),
      ...guardRefusal('a bound token under Bearer', 'a bound token under Bearer, even with a good proof'),
    ],
  },
  {
    section: '7.2',
    requirement: 'A token that is not bound must not pass as a bound token',
    tests: [
      ...verify('refuses a token that is not bound with a proof'),
      ...guardRefusal('an unbound token under DPoP', 'an unbound token under DPoP without a proof'),
      ...dpopAudience('the audience alone', 'the audience beside another'),
      ...dpopAudience('but a bound token for it and a bearer token for another audience are issued'),
    ],
  },
  {
    section: '7.2',
    requirement: 'A challenge to a request without authentication should not contain an error',
    tests: guardRefusal('no Authorization header'),
  },
  {
    section: '7.2',
    requirement: 'A request with two tokens is malformed',
    tests: guardRefusal('DPoP and Bearer', 'two Authorization headers', 'two tokens'),
  },
  {
    section: '8',
    requirement: 'A request without nonce is refused with 400, use_dpop_nonce and the nonce in one DPoP-Nonce header',
    tests: nonce(
      'answers use_dpop_nonce to a proof without nonce, with a nonce in exactly one header',
      'refuses a request without a proof',
    ),
  },
  {
    section: '8',
    requirement: 'Nobody must be able to predict a nonce',
    tests: nonce('refuses a proof with %s'),
  },
  {
    section: '8',
    requirement: 'The server must refuse a nonce that is not exactly one that it gave recently',
    tests: nonce(
      'refuses a proof with a nonce with one more character',
      'refuses a proof with a nonce that the server never gave',
      'accepts a proof with this nonce, also several times with different proofs',
    ),
  },
  {
    section: '8.1',
    requirement: 'A nonce has only certain ASCII characters',
    tests: nonce('answers use_dpop_nonce to a proof without nonce, with a nonce in exactly one header'),
  },
  {
    section: '10',
    requirement: 'A token must have the key that dpop_jkt names',
    tests: boundConnection('needs the key that the authorization request has named'),
  },
  {
    section: '10.1',
    requirement: 'The server must check the proof of a pushed request',
    notOurs: 'The server has no endpoint for pushed authorization requests',
  },
  {
    section: '11.1',
    requirement: 'The server must accept a proof only for a short time',
    tests: badProof('iat that is too old', 'iat that is too far ahead'),
  },
  {
    section: '11.1',
    requirement: 'The server can refuse a jti that it has seen before at the same URI',
    tests: [
      ...badProof(REPLAYED, 'in all but one of 20 parallel requests', 'not if another key has used the same jti'),
      ...otherInstance('a replayed DPoP proof is refused'),
      ...verify('refuses a bound token when its proof is replayed'),
      ...nonce('refuses a replayed proof with a good nonce'),
      ...verifierRefusal('a proof that was used before, also with a remembered token'),
      ...guardRefusal('a proof that was used before, with invalid_dpop_proof'),
      ...replayStore('of two verifiers refuses in one of them a proof that the other has accepted'),
    ],
  },
  {
    section: '11.1',
    requirement: 'The server should refuse a long jti or store only its hash, so that no client fills its memory',
    tests: [
      ...badProof('jti of 3,000 characters', 'a proof of more than 4 KiB'),
      ...replayStore('in memory that is full refuses new proofs, and still refuses used ones as replays'),
    ],
  },
  {
    section: '11.3',
    requirement: 'The server must not accept a proof without nonce after it has demanded one',
    tests: nonce('refuses a proof with no nonce, although the server gave one before'),
  },
  {
    section: '11.5',
    requirement: 'The server must check the typ, so that no other JWT passes as a proof',
    tests: badProof('typ JWT', 'typ of a client assertion', 'without typ'),
  },
  {
    section: '11.6',
    requirement: 'Only secure asymmetric algorithms must be possible',
    tests: badProof('alg none', 'alg of a MAC', 'a MAC with the public key as secret'),
  },
]
