import { expect, it } from 'vitest'
import { encodeBase64url } from '../encoding/base64.ts'
import { isChain } from './is-chain.ts'

const jws = (header: object) => {
  const [text, payload] = [header, {}].map((part) => encodeBase64url(Buffer.from(JSON.stringify(part))))
  return `${text}.${payload}.AAAA`
}

it.each<[string, string, boolean]>([
  ['a root grant', jws({ alg: 'Ed25519', typ: 'aat+jwt', kid: 'k' }), true],
  ['a derived grant', jws({ alg: 'Ed25519', typ: 'aat+jwt' }), true],
  ['two texts', 'a~b', true],
  ['an access token', jws({ alg: 'Ed25519', typ: 'at+jwt', kid: 'k' }), false],
  ['a holder statement', jws({ alg: 'Ed25519', typ: 'auth4agent-holder+jwt', kid: 'k' }), false],
  ['a text that is no JWS', 'aat+jwt', false],
  ['an empty text', '', false],
])('isChain tells by the form: %s', (_, text, expected) => {
  expect(isChain(text)).toBe(expected)
})
