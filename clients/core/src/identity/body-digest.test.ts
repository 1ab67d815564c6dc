import { expect, it } from 'vitest'
import { bodyDigest } from './body-digest.ts'

it.each([
  ['no body', '', '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'],
  [
    'the bytes of FIPS 180-2 appendix B.1',
    new TextEncoder().encode('abc'),
    'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0',
  ],
  ['a text as its UTF-8 bytes', 'é', 'SplVfkAzw1Od4utlRyAXytX5VX96BiWgnxw_biumnEw'],
])('bodyDigest returns the SHA-256 in base64url of %s', (_name, body, digest) => {
  expect(bodyDigest(body)).toBe(digest)
})
