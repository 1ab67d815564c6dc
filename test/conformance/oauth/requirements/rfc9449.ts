import type { Requirement } from '../support/requirement.ts'
import {
  badProof,
  dpopAudience,
  goodProof,
  grpcProof,
  guardAcceptance,
  guardRefusal,
  introspection,
  metadata,
  nativeToken,
  nonce,
  otherInstance,
  replayStore,
  revocation,
  verifierAcceptance,
  verifierRefusal,
  verify,
} from '../support/tests-of.ts'

const NO_CODE = 'The server has no authorization endpoint and issues no authorization codes'
const REPLAYED = 'that was used before, also for another agent and with another assertion'

/** RFC 9449: tokens that are bound to a key, and proofs of this key (DPoP). */
export const rfc9449: readonly Requirement[] = [
  {
    section: '4.2',
    requirement: 'The header of a proof must contain typ, alg and jwk',
    tests: badProof('without typ', 'without jwk', 'alg none'),
  },
  {
    section: '4.2',
    requirement: 'The alg must not be none and not the name of a MAC',
    tests: badProof('alg none', 'alg of a MAC', 'a MAC with the public key as secret', 'jwk that is a secret'),
  },
  {
    section: '4.2',
    requirement: 'The jwk must not contain a private key',
    tests: [...badProof('jwk with the private key'), ...goodProof('is accepted with other public members in jwk')],
  },
  {
    section: '4.2',
    requirement: 'The claims of a proof must contain jti, htm, htu and iat',
    tests: badProof('without jti', 'without htm', 'without htu', 'without iat'),
  },
  {
    section: '4.2',
    requirement: 'A proof for a resource must contain ath, the hash of the token',
    tests: [
      ...verify('refuses a bound token with no ath', 'refuses a bound token with ath with padding'),
      ...verifierRefusal('a proof without ath'),
    ],
  },
  {
    section: '4.2',
    requirement: 'A proof must contain the nonce that the server has given',
    tests: nonce('refuses a proof with no nonce, although the server gave one before'),
  },
  {
    section: '4.2',
    requirement: 'A proof may contain other members',
    tests: goodProof('is accepted with claims that the server does not know', 'is accepted with a kid in the header'),
  },
  {
    section: '4.3, check 1',
    requirement: 'A request must not have more than one DPoP header',
    tests: [
      ...badProof('two headers', 'two proofs in one header'),
      ...guardRefusal('two proofs', 'a proof and an empty DPoP header'),
    ],
  },
  {
    section: '4.3, check 2',
    requirement: 'The header must contain one well-formed JWT',
    tests: [
      ...badProof('a text that is not a JWT', 'five parts, like an encrypted JWT', 'an empty header'),
      ...guardRefusal('an empty DPoP header'),
    ],
  },
  {
    section: '4.3, check 3',
    requirement: 'All required claims must be in the proof',
    tests: badProof('jti that is empty', 'jti that is a number', 'iat that is a text'),
  },
  {
    section: '4.3, check 4',
    requirement: 'The typ must be dpop+jwt',
    tests: [...badProof('typ JWT', 'typ of a client assertion'), ...verifierRefusal('a proof with another typ')],
  },
  {
    section: '4.3, check 5',
    requirement: 'The alg must be an asymmetric algorithm that the server supports',
    tests: [
      ...badProof('a signature with an algorithm that is not supported', 'alg that does not fit the key'),
      ...goodProof('binds the token to its key: %s'),
      ...goodProof('is accepted with either of the two values of S that an ES256 signature can have'),
    ],
  },
  {
    section: '4.3, check 6',
    requirement: 'The signature must be valid under the key in jwk',
    tests: [
      ...badProof('jwk of another key', 'a signature of another key', 'without signature'),
      ...badProof('other claims than the signed ones', 'jwk with a point that is not on the curve'),
      ...verifierRefusal('a proof of another key'),
    ],
  },
  {
    section: '4.3, check 7',
    requirement: 'The key in jwk must not be private',
    tests: badProof('jwk with the private key'),
  },
  {
    section: '4.3, check 8',
    requirement: 'The htm must be the method of the request',
    tests: [
      ...badProof('htm of another method', 'htm in lower case'),
      ...verify('refuses a bound token with another method'),
      ...verifierRefusal('a proof for another method', 'a proof for the method in lower case'),
    ],
  },
  {
    section: '4.3, check 9',
    requirement: 'The htu must be the URI of the request, apart from query and fragment',
    tests: [
      ...badProof('htu of another host', 'htu of another port', 'htu of another scheme', 'htu of another endpoint'),
      ...badProof('htu that is relative', 'htu with a user', 'htu with a slash at the end'),
      ...goodProof('is accepted with query and fragment in htu'),
      ...goodProof('is compared with the public URL, whatever headers name the host'),
      ...verify('refuses a bound token with htu of another host', 'refuses a bound token with htu of another path'),
      ...verifierRefusal('a proof for another host', 'a proof for another path', 'a proof for a path without host'),
      ...guardAcceptance('a proof for the public URL, and not for the host in the target %s'),
      ...grpcProof('is refused if htu is the URL of the REST endpoint or of another method'),
      ...nativeToken('refuses a proof for /oauth/token, and a proof that is replayed'),
    ],
  },
  {
    section: '4.3',
    requirement: 'The server should normalise the URIs before it compares them (RFC 3986 sections 6.2.2 and 6.2.3)',
    tests: [
      ...goodProof('is accepted with scheme and host of htu in upper case', 'is accepted with dot segments in htu'),
      ...goodProof('is accepted with unreserved characters of htu percent-encoded'),
      ...badProof('htu in another case of the path'),
      ...verifierAcceptance('a proof for %s with the htu %s'),
    ],
  },
  {
    section: '4.3, check 10',
    requirement: 'The nonce must be one that the server has given',
    tests: nonce('refuses a proof with %s'),
  },
  {
    section: '4.3, check 11',
    requirement: 'The proof must be new enough',
    tests: [
      ...badProof('iat that is too old', 'iat that is too far ahead'),
      ...goodProof('is accepted with an iat that is a little ahead'),
      ...verifierRefusal('a proof from 75 seconds ago', 'a proof from the future'),
    ],
  },
  {
    section: '4.3, check 12',
    requirement: 'The ath must be the hash of the token in the request',
    tests: [
      ...verify('refuses a bound token with ath of another token'),
      ...verifierRefusal('a proof for another token'),
    ],
  },
  {
    section: '4.3, check 12',
    requirement: 'The key of the proof must be the key that the token is bound to',
    tests: [
      ...verify('refuses a bound token with another key'),
      ...verifierRefusal('a valid proof of another key than the key that the token is bound to'),
    ],
  },
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
    notOurs: 'The server issues no refresh tokens and has no public clients',
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
      ...verify('refuses a bound token without a proof', 'accepts a bound token with a proof of its key for this request'),
      ...verifierRefusal('a bound token without a proof'),
      ...guardRefusal('a bound token under DPoP without a proof'),
    ],
  },
  {
    section: '7.1',
    requirement: 'A challenge has the scheme DPoP, and should name the error and the algorithms of proofs',
    tests: guardRefusal('no Authorization header', 'a proof for another URL, and names the right one'),
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
      ...dpopAudience('but not a bound token for it, and not a bearer token for another audience'),
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
    tests: nonce('gives one with the error use_dpop_nonce, in exactly one header', 'refuses a request without a proof'),
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
    tests: nonce('gives one with the error use_dpop_nonce, in exactly one header'),
  },
  { section: '10', requirement: 'A token must have the key that dpop_jkt names', notOurs: NO_CODE },
  { section: '10.1', requirement: 'The server must check the proof of a pushed request', notOurs: NO_CODE },
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
