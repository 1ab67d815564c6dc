import { expect, it } from 'vitest'
import { type ChallengeError, type ChallengeOptions, createChallenge } from './challenge.ts'

const BOTH: ChallengeOptions = {
  schemes: ['Bearer', 'DPoP'],
  scope: undefined,
  resourceMetadata: undefined,
  realm: 'b',
}
const ALGS = 'algs="EdDSA Ed25519 ES256"'
const error = (scheme: ChallengeError['scheme'], description = 'Why'): ChallengeError => ({
  code: 'invalid_token',
  description,
  scheme,
})
const WHY = 'error="invalid_token", error_description="Why"'

it.each<[string, Partial<ChallengeOptions>, ChallengeError | undefined, string]>([
  ['both schemes without an error', {}, undefined, `Bearer realm="b", DPoP ${ALGS}`],
  ['only Bearer', { schemes: ['Bearer'] }, undefined, 'Bearer realm="b"'],
  ['only DPoP', { schemes: ['DPoP'] }, undefined, `DPoP ${ALGS}`],
  ['an error under Bearer', {}, error('Bearer'), `Bearer ${WHY}, DPoP ${ALGS}`],
  ['an error under DPoP', {}, error('DPoP'), `Bearer realm="b", DPoP ${WHY}, ${ALGS}`],
  ['an error without a scheme', {}, error(undefined), `Bearer ${WHY}, DPoP ${ALGS}`],
  ['an error under a scheme that is not accepted', { schemes: ['DPoP'] }, error('Bearer'), `DPoP ${WHY}, ${ALGS}`],
  [
    'a scope and metadata',
    { scope: 'read write', resourceMetadata: 'https://b.example/m' },
    error('DPoP'),
    `Bearer scope="read write", resource_metadata="https://b.example/m", \
DPoP ${WHY}, ${ALGS}, scope="read write", resource_metadata="https://b.example/m"`,
  ],
  [
    'characters that would end the quoted text',
    { schemes: ['Bearer'] },
    error('Bearer', 'a"b\\c\r\nd\u00e9'),
    `Bearer error="invalid_token", error_description="a'b'c''d'"`,
  ],
])('createChallenge writes %s', (_name, options, why, header) => {
  expect(createChallenge({ ...BOTH, ...options })(why)).toBe(header)
})
