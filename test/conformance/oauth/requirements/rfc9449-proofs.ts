import type { Requirement } from '../support/requirement.ts'
import {
  badProof,
  goodProof,
  grpcProof,
  guardAcceptance,
  guardRefusal,
  nativeToken,
  nonce,
  verifierAcceptance,
  verifierRefusal,
  verify,
} from '../support/tests-of.ts'

/** RFC 9449, section 4: what a DPoP proof contains, and how it is checked. */
export const rfc9449Proofs: readonly Requirement[] = [
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
]
