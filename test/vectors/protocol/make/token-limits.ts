import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { compact, type Edits, encodePart } from './jws.ts'
import { AUDIENCE, ISSUER, SIGNING_KEYS } from './parties.ts'
import {
  type Changes,
  CLAIMS,
  changed,
  headerOf,
  judgedBy,
  ofTexts,
  PAYLOAD,
  signBy,
  type TokenCase,
} from './token-case.ts'

const { EdDSA, ES256 } = SIGNING_KEYS
const MAX_TOKEN = 16_384
const MAX_EPOCH = 2_147_483_647
/** Characters of an EdDSA signature, and of both dots. */
const SIGNATURE_AND_DOTS = 86 + 2

const withClaims = (name: string, expect: string, claims: Edits) => changed(name, expect, { claims })
const listOf = (length: number, prefix: string) => Array.from({ length }, (_, index) => `${prefix}${index}`)
const lengthened = (url: string, length: number) => `${url}/${'a'.repeat(length - url.length - 1)}`

/** Makes values at a limit, which are accepted, and values beyond it, which are refused. */
export async function limitCases(): Promise<TokenCase[]> {
  const hosts = listOf(7, 'https://api.example.com/')
  const scopes = listOf(64, 's').join(' ')
  return Promise.all([
    ofLength('a token of 16,384 characters', 'VALID', MAX_TOKEN),
    ofLength('a token of 16,385 characters', 'MALFORMED_TOKEN', MAX_TOKEN + 1),
    changed('a kid of 128 characters', 'UNKNOWN_KEY', { header: { kid: 'k'.repeat(128) } }),
    withClaims('jti of 64 characters', 'VALID', { jti: 'j'.repeat(64) }),
    withClaims('an empty iss', 'WRONG_ISSUER', { iss: '' }),
    withClaims('iss of 2,048 characters', 'WRONG_ISSUER', { iss: lengthened(ISSUER, 2048) }),
    withClaims('iss of 2,049 characters', 'MALFORMED_TOKEN', { iss: lengthened(ISSUER, 2049) }),
    withClaims('aud of 8 entries', 'VALID', { aud: [...hosts, AUDIENCE] }),
    withClaims('an entry of aud of 2,048 characters', 'VALID', { aud: [lengthened(AUDIENCE, 2048), AUDIENCE] }),
    withClaims('an entry of aud of 2,049 characters', 'MALFORMED_TOKEN', {
      aud: [lengthened(AUDIENCE, 2049), AUDIENCE],
    }),
    withClaims('scope of 64 tokens', 'VALID', { scope: scopes }),
    withClaims('scope of 65 tokens, two of which are equal', 'VALID', { scope: `${scopes} s0` }),
    withClaims('scope with a token twice', 'VALID', { scope: 'read read' }),
    withClaims('a scope token of 128 characters', 'VALID', { scope: 's'.repeat(128) }),
    withClaims('scope with a backslash', 'MALFORMED_TOKEN', { scope: String.raw`re\ad` }),
    withClaims('the largest epochs', 'VALID', { epoch: [MAX_EPOCH, MAX_EPOCH] }),
    withClaims('operator epoch of 0', 'MALFORMED_TOKEN', { epoch: [3, 0] }),
    withClaims('operator epoch beyond 31 bits', 'MALFORMED_TOKEN', { epoch: [3, MAX_EPOCH + 1] }),
  ])
}

/** Makes a token of this many characters, with a long unknown claim. */
async function ofLength(name: string, expect: string, length: number): Promise<TokenCase> {
  // Base64url has no text of 4n + 1 characters. With one of these headers the payload needs another length.
  for (const header of [{}, { note: '' }, { note: 'n' }]) {
    const headerLength = encodePart({ ...headerOf(EdDSA), ...header }).length
    const bytes = Math.floor(((length - SIGNATURE_AND_DOTS - headerLength) * 3) / 4)
    const padding = 'a'.repeat(bytes - JSON.stringify({ ...CLAIMS, padding: '' }).length)
    const made = await changed(name, expect, { header, claims: { padding } })
    if (lengthOf(made) === length) return made
  }
  throw new RangeError(`No header gives a token of ${length} characters`)
}

function lengthOf({ token = '', token_pieces = [token] }: TokenCase): number {
  const lengths = token_pieces.map((piece) =>
    typeof piece === 'string' ? piece.length : piece.repeat.length * piece.times,
  )
  return lengths.reduce((sum, each) => sum + each, 0)
}

const NONE = { alg: 'none' }
const withoutAlg = (name: string, expect: string, { header, claims }: Changes) =>
  changed(name, expect, { header: { ...NONE, ...header }, ...(claims && { claims }) })

/** Makes cases to which several verdicts apply, for the checks that need no key and for an ended key. */
export async function checkOrderCases(): Promise<TokenCase[]> {
  const ended = { revocations: [{ kind: 'key', operator_id: '', subject: EdDSA.kid, minimum_epoch: 0 }] }
  const header = { ...headerOf(EdDSA), ...NONE }
  const signature = encodeBase64url(await signBy(EdDSA)(Buffer.from('anything')))
  return [
    await withoutAlg('alg before typ', 'UNSUPPORTED_ALGORITHM', { header: { typ: 'JWT' } }),
    await withoutAlg('alg before kid', 'UNSUPPORTED_ALGORITHM', { header: { kid: '' } }),
    await withoutAlg('alg before the claims', 'UNSUPPORTED_ALGORITHM', { claims: { jti: '' } }),
    await withoutAlg('crit before alg', 'MALFORMED_TOKEN', { header: { crit: ['exp'] } }),
    await withoutAlg('jku before alg', 'MALFORMED_TOKEN', { header: { jku: 'https://evil.example/jwks.json' } }),
    {
      name: 'the header before the form of the payload',
      changed: { header: NONE },
      token: `${encodePart(header)}.${encodePart('no JSON')}.${signature}`,
      expect: 'UNSUPPORTED_ALGORITHM',
    },
    {
      name: 'the header before the form of the signature',
      changed: { header: NONE },
      token: `${encodePart(header)}.${encodePart(CLAIMS)}.${signature}=`,
      expect: 'UNSUPPORTED_ALGORITHM',
    },
    {
      name: 'three parts before the header',
      changed: { header: NONE },
      token: `${encodePart(header)}.${encodePart(CLAIMS)}`,
      expect: 'MALFORMED_TOKEN',
    },
    await changed('the claims before the key', 'MALFORMED_TOKEN', { header: { kid: 'none' }, claims: { jti: '' } }),
    await changed('the key before the algorithm of the key', 'UNKNOWN_KEY', { header: { alg: 'ES256' } }, ended),
    {
      name: 'the algorithm of the key before the signature',
      changed: { header: { alg: 'RS256', kid: ES256.kid } },
      token: await compact({ ...headerOf(ES256), alg: 'RS256' }, CLAIMS, () => Buffer.alloc(256)),
      expect: 'UNSUPPORTED_ALGORITHM',
    },
    {
      name: 'the signature before the issuer',
      changed: { claims: { iss: 'https://auth.example.org' } },
      token: await compact(headerOf(EdDSA), { ...CLAIMS, iss: 'https://auth.example.org' }, () => Buffer.alloc(64)),
      expect: 'SIGNATURE_INVALID',
    },
    judgedBy('an ended key before the audience', 'UNKNOWN_KEY', { ...ended, audience: ['https://b.example.com'] }),
    judgedBy('an ended key before the scope', 'UNKNOWN_KEY', { ...ended, scope: 'x' }),
    await changed(
      'an ended key before the issuer',
      'UNKNOWN_KEY',
      { claims: { iss: 'https://auth.example.org' } },
      ended,
    ),
    judgedBy("the operator's epoch before the agent's", 'OPERATOR_TOKENS_ENDED', {
      revocations: [
        { kind: 'agent', operator_id: CLAIMS.operator_id, subject: CLAIMS.sub, minimum_epoch: 4 },
        { kind: 'operator', operator_id: CLAIMS.operator_id, subject: '', minimum_epoch: 3 },
      ],
    }),
    judgedBy("the token before the operator's epoch", 'TOKEN_REVOKED', {
      revocations: [
        { kind: 'operator', operator_id: CLAIMS.operator_id, subject: '', minimum_epoch: 3 },
        { kind: 'token', operator_id: CLAIMS.operator_id, subject: CLAIMS.jti, minimum_epoch: 0 },
      ],
    }),
  ]
}

/** Makes payloads that parsers of JSON judge differently. */
export async function strictJsonCases(): Promise<TokenCase[]> {
  const open = PAYLOAD.slice(0, -1)
  const note = (name: string, expect: string, json: string) =>
    ofTexts(name, expect, { payload: `${open},"note":${json}}` })
  return Promise.all([
    note('an integer beyond 2^53 in an unknown claim', 'VALID', '9007199254740993'),
    note('an integer beyond 64 bits in an unknown claim', 'VALID', '36893488147419103232'),
    note('a negative zero in an unknown claim', 'VALID', '-0'),
    note('a character that Unicode reserves, U+FFFE', 'VALID', '"\uFFFE"'),
    note('a character that Unicode reserves, written with escapes', 'VALID', String.raw`"\ufdd0\udbff\udfff"`),
    note('U+0000 written with an escape', 'VALID', String.raw`"\u0000"`),
    ...[
      ['a line feed in a string', '"a\nb"'],
      ['a tab in a string', '"a\tb"'],
      ['the control character U+001F in a string', '"a\u001Fb"'],
      ['a number with a leading zero', '01'],
      ['a number with a plus sign', '+1'],
      ['a number without digits after its point', '1.'],
      ['a number without digits before its point', '.5'],
      ['a hexadecimal number', '0x10'],
      ['an array with a trailing comma', '[1,]'],
      ['an escape that JSON does not have', String.raw`"\x41"`],
    ].map(([name = '', json = '']) => note(name, 'MALFORMED_TOKEN', json)),
    ofTexts('exp with a leading zero', 'MALFORMED_TOKEN', {
      payload: PAYLOAD.replace(`"exp":${CLAIMS.exp}`, `"exp":0${CLAIMS.exp}`),
    }),
    ofTexts('an object with a trailing comma', 'MALFORMED_TOKEN', { payload: `${open},}` }),
    ofTexts('names in single quotes', 'MALFORMED_TOKEN', { payload: PAYLOAD.replace('"iss"', "'iss'") }),
    ofTexts('a no-break space around the object', 'MALFORMED_TOKEN', { payload: `\u00A0${PAYLOAD}` }),
    ofTexts('white space around the object', 'VALID', { payload: `\t\r\n ${PAYLOAD} \n` }),
  ])
}
