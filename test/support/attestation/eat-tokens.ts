import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { createEat } from '../../../services/attestation/types/eat/create-eat.ts'
import { makeContext, NOW_S } from './appraisal-context.ts'
import { type CoseChanges, encodeCbor, signCose } from './cose.ts'
import { makeTestKey, signTestJwt, type TestKey } from './evidence-keys.ts'

const UEID = '0198f50a4ff6c05861c8860d13a638ea'
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const { nonce } = makeContext().binding
if (nonce === undefined) throw new TypeError('The context must have a nonce')

/** Claims of a token in JSON, with the nonce of {@link makeContext}. */
const JWT_CLAIMS: Readonly<Record<string, unknown>> = {
  eat_nonce: nonce.text,
  iss: 'https://attester.example',
  iat: NOW_S,
  exp: NOW_S + 600,
  eat_profile: 'tag:attester.example,2026:profile',
  ueid: encodeBase64url(bytes(UEID)),
  oemid: 64_242,
  hwmodel: encodeBase64url(bytes('aabb')),
  hwversion: ['3.1', 'multipartnumeric'],
  swname: 'Acme OS',
  swversion: ['1.2.3'],
  oemboot: true,
  dbgstat: 'disabled-permanently',
  uptime: 77,
  bootcount: 5,
  zone: 'eu-1',
}

/** The same claims in CBOR. */
const CWT_CLAIMS: ReadonlyMap<number | string, unknown> = new Map<number | string, unknown>([
  [10, Uint8Array.from(nonce.bytes)],
  [1, 'https://attester.example'],
  [6, NOW_S],
  [4, NOW_S + 600],
  [265, 'tag:attester.example,2026:profile'],
  [256, bytes(UEID)],
  [258, 64_242],
  [259, bytes('aabb')],
  [260, ['3.1', 1]],
  [270, 'Acme OS'],
  [271, ['1.2.3']],
  [262, true],
  [263, 3],
  [261, 77],
  [267, 5],
  ['zone', 'eu-1'],
])

/** The claims that rules see of both. */
export const SHOWN_CLAIMS = {
  iss: 'https://attester.example',
  ueid: UEID,
  oemid: 64_242,
  hwmodel: 'aabb',
  hwversion: '3.1',
  swname: 'Acme OS',
  swversion: '1.2.3',
  oemboot: true,
  dbgstat: 'disabled-permanently',
  uptime: 77,
  bootcount: 5,
  zone: 'eu-1',
}

/** The key that {@link appraiseEat} trusts. */
export const EAT_KEY: TestKey = { ...makeTestKey('ES256'), alg: 'ES256' }

/** Appraises evidence by an attestor that trusts {@link EAT_KEY} and shows all claims. */
export async function appraiseEat(evidence: Uint8Array, config: object = {}, context = makeContext()) {
  const eat = createEat()
  const raw = { keys: { keys: [EAT_KEY.jwk] }, claims: Object.keys(SHOWN_CLAIMS), ...config }
  return await eat.appraise(eat.parseConfig(raw), evidence, context)
}

/** Signs a token in JSON. A claim that is undefined is left out. */
export function signEatJwt(key: TestKey, changes: object = {}, header: object = {}): Uint8Array {
  return encodeUtf8(signTestJwt(key, { ...JWT_CLAIMS, ...changes }, { typ: 'eat+jwt', ...header }))
}

/** Signs a token in CBOR. A claim that is undefined is left out. */
export function signEatCwt(
  key: TestKey,
  changes: Iterable<readonly [number | string, unknown]> = [],
  cose: CoseChanges = {},
) {
  const claims = [...new Map([...CWT_CLAIMS, ...changes])].filter(([, value]) => value !== undefined)
  return signCose(key, encodeCbor(new Map(claims)), cose)
}
