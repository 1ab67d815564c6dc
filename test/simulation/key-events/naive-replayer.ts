import { createHash, type KeyObject, verify } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { decode, type Json, must, parseObject, Wrong } from './naive-json.ts'
import { importKey } from './naive-points.ts'

/** What the naive replayer knows after an event. It shares no code with the replayer of core. */
export interface NaiveState {
  readonly did: string
  readonly left: readonly string[]
  readonly seq: number
  readonly head: string
  readonly iat: number
  readonly kid: string
  readonly key: Json
  readonly next: string | undefined
  readonly used: readonly string[]
  readonly added: readonly { readonly kid: string; readonly label: string; readonly exp: number }[]
  readonly ended: boolean
}

/** The state at the end of a log, or the place and the fault of the first wrong event. */
export type NaiveResult = { readonly state: NaiveState } | { readonly at: number; readonly why: string }

/** Replays a log in the most obvious way. */
export function naiveReplay(texts: readonly string[]): NaiveResult {
  let state: NaiveState | undefined
  for (const [at, text] of texts.entries()) {
    try {
      state = naiveApply(state, text)
    } catch (error) {
      if (error instanceof Wrong) return { at, why: error.why }
      throw error
    }
  }
  return state === undefined ? { at: 0, why: 'conflict' } : { state }
}

const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text)
const DAY = 86_400
const KINDS: Readonly<Record<string, readonly string[]>> = {
  inception: ['type', 'did', 'seq', 'iat', 'key', 'next?', 'recorded?'],
  rotate: ['type', 'did', 'seq', 'iat', 'prev', 'key', 'proof', 'next?'],
  recover: ['type', 'did', 'seq', 'iat', 'prev', 'key', 'next?'],
  'add-key': ['type', 'did', 'seq', 'iat', 'prev', 'key', 'proof', 'label', 'exp'],
  'remove-key': ['type', 'did', 'seq', 'iat', 'prev', 'kid'],
  deactivate: ['type', 'did', 'seq', 'iat', 'prev', 'key?', 'proof?'],
  move: ['type', 'did', 'seq', 'iat', 'prev', 'to', 'operator_id', 'issuer', 'key?', 'proof?'],
}
const DID =
  /^did:agent:(?=[^:]{1,253}:)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?:[0-9a-f]{32}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufff0-\uffff]|(?! )\p{Zs}/u

const isDigest = (value: unknown) => typeof value === 'string' && decode(value).length === 32
const isTime = (value: unknown) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 253_402_300_799
const isDid = (value: unknown) => typeof value === 'string' && DID.test(value)
const isText = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value !== '' && Array.from(value).length <= most

/** The prime and the coefficient b of P-256: y² = x³ - 3x + b (FIPS 186-5, SP 800-186 section 3.2.1.3). */
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

function isPoint(x: unknown, y: unknown): boolean {
  if (!isDigest(x) || !isDigest(y)) return false
  const [a, b] = [x, y].map((text) => BigInt(`0x${Buffer.from(String(text), 'base64url').toString('hex')}`))
  return a !== undefined && b !== undefined && a < P && b < P && (b * b - a * a * a + 3n * a - B) % P === 0n
}

function isJwk(value: unknown, hasP256: boolean): boolean {
  if (typeof value !== 'object' || value === null) return false
  const jwk: Json = { ...value }
  const members = Object.keys(jwk).toSorted().join()
  if (hasP256 && jwk['kty'] === 'EC')
    return jwk['crv'] === 'P-256' && members === 'crv,kty,x,y' && isPoint(jwk['x'], jwk['y'])
  return jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519' && members === 'crv,kty,x' && isDigest(jwk['x'])
}

const HOST = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$|^\[[0-9a-f:]+\]$/
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

function isIssuer(text: string): boolean {
  const [, scheme, host = '', path] = /^(https?):\/\/(.+?)(?::\d+)?((?:\/[\w.~-]+)*)$/.exec(text) ?? []
  if (!HOST.test(host) || !(scheme === 'https' || LOOPBACK.test(host)) || !URL.canParse(text)) return false
  return new URL(text).href === (path === '' ? `${text}/` : text)
}

function isRight(name: string, value: unknown, type: string): boolean {
  if (name === 'type') return true
  if (name === 'did' || name === 'to') return isDid(value)
  if (name === 'seq') return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 1_000_000
  if (name === 'iat' || name === 'exp') return isTime(value)
  if (name === 'key') return isJwk(value, type === 'add-key')
  if (name === 'proof') return isText(value, 4096)
  if (name === 'label') return isText(value, 100) && !HIDDEN.test(value) && value.trim() === value
  if (name === 'operator_id') return typeof value === 'string' && UUID.test(value)
  if (name === 'issuer') return isText(value, 255) && isIssuer(value)
  if (name === 'recorded') return value === true
  return isDigest(value)
}

function checkClaims(claims: Json): string {
  const type = String(claims['type'])
  const shape = typeof claims['type'] === 'string' && Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
  must(shape)
  for (const name of shape) must(name.endsWith('?') || Object.hasOwn(claims, name))
  for (const [name, value] of Object.entries(claims)) {
    must(shape.includes(name) || shape.includes(`${name}?`))
    must(isRight(name, value, type))
  }
  must(!(claims['recorded'] === true && 'next' in claims))
  if (type === 'deactivate' || type === 'move') must('key' in claims === 'proof' in claims)
  return type
}

/** Opens a compact JWS of one `typ`. */
function open(text: string, typ: string, algs: readonly string[], size: number) {
  must(text.length <= size)
  const parts = text.split('.')
  must(parts.length === 3 && parts.every((part) => part !== ''))
  const [head = '', body = '', signature = ''] = parts
  const header = parseObject(decode(head))
  const { alg, kid } = header
  for (const name of ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'x5t', 'x5t#S256']) must(!(name in header))
  must(algs.some((each) => each === alg) && header['typ'] === typ)
  must(typeof kid === 'string' && /^[!-~]{1,128}$/.test(kid))
  return { kid, claims: parseObject(decode(body)), input: Buffer.from(`${head}.${body}`), signature: decode(signature) }
}

const NO_SIGNATURE = { kid: '', input: Buffer.alloc(0), signature: Buffer.alloc(0) }
const UNSIGNED = `${Buffer.from('{"alg":"none","typ":"auth4agent-key-event+jwt"}').toString('base64url')}.`

function openEvent(text: string) {
  if (!text.startsWith(UNSIGNED)) {
    const event = open(text, 'auth4agent-key-event+jwt', ['EdDSA', 'Ed25519'], 8192)
    checkClaims(event.claims)
    must(event.claims['recorded'] === undefined)
    return event
  }
  must(text.length <= 8192 && text.endsWith('.'))
  const bytes = decode(text.slice(UNSIGNED.length, -1))
  const claims = parseObject(bytes)
  must(checkClaims(claims) === 'inception' && claims['recorded'] === true)
  const { did, iat, key } = claims as { did: string; iat: number; key: { x: string } }
  const jwk = `{"kty":"OKP","crv":"Ed25519","x":"${key.x}"}`
  must(bytes.toString() === `{"type":"inception","did":"${did}","seq":0,"iat":${iat},"key":${jwk},"recorded":true}`)
  return { ...NO_SIGNATURE, claims }
}

const kidOf = (jwk: Json) => {
  const names = jwk['kty'] === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['crv', 'kty', 'x']
  return sha256(`{${names.map((name) => `"${name}":"${String(jwk[name])}"`).join()}}`).digest('base64url')
}

/** Results of verifications. Random logs share most of their events. */
const verified = new Map<string, boolean>()

function isSigned(
  key: KeyObject,
  { kid, input, signature }: { kid: string; input: Buffer; signature: Buffer },
): boolean {
  const name = `${kid} ${input.toString('latin1')} ${signature.toString('latin1')}`
  const known = verified.get(name)
  if (known !== undefined) return known
  const isValid =
    key.asymmetricKeyType === 'ed25519'
      ? verify(null, input, key, signature)
      : verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, signature)
  if (verified.size > 10_000) verified.clear()
  verified.set(name, isValid)
  return isValid
}

/** Checks that a key has signed all claims of an event but the proof. */
function checkProof({ proof: text, ...claims }: Json): void {
  const jwk = claims['key'] as Json
  const algs = jwk['kty'] === 'EC' ? ['ES256'] : ['EdDSA', 'Ed25519']
  const proof = open(String(text), 'auth4agent-key-proof+jwt', algs, 4096)
  must(proof.kid === kidOf(jwk), 'signature')
  must(isDeepStrictEqual(proof.claims, claims), 'signature')
  must(isSigned(importKey(jwk), proof), 'signature')
}

/** Applies one event. Throws Wrong if it does not follow. */
export function naiveApply(state: NaiveState | undefined, text: string): NaiveState {
  const event = openEvent(text)
  const claims = event.claims as Json & { type: string; did: string; seq: number; iat: number; next?: string }
  const head = sha256(text).digest('base64url')
  const key = claims['key'] as Json
  if (state === undefined) {
    must(claims.type === 'inception' && claims.seq === 0, 'conflict')
    const fingerprint = sha256(decode(String(key['x'])))
      .digest('hex')
      .slice(0, 32)
    must(claims.did.endsWith(`:${fingerprint}`), 'signature')
    const kid = kidOf(key)
    if (claims['recorded'] === true) importKey(key)
    else checkSignature(event, key)
    must(claims.next !== kid, 'reused')
    const place = { did: claims.did, seq: 0, head, iat: claims.iat }
    return { ...place, left: [], kid, key, next: claims.next, used: [kid], added: [], ended: false }
  }
  must(claims.type !== 'inception', 'conflict')
  must(!state.ended, 'ended')
  const isNext = claims.did === state.did && claims.seq === state.seq + 1 && claims['prev'] === state.head
  must(isNext && claims.iat >= state.iat, 'conflict')
  must(claims.seq < 2000 || claims.type === 'deactivate', 'full')
  must(claims.seq < 1900 || claims.type !== 'add-key', 'full')
  if (claims.type === 'recover') must(state.next !== undefined && kidOf(key) === state.next, 'not-committed')
  checkSignature(event, claims.type === 'recover' ? key : state.key)
  return { ...state, ...change(state, claims.type, claims), seq: claims.seq, iat: claims.iat, head }
}

function checkSignature(event: ReturnType<typeof openEvent>, key: Json): void {
  must(event.kid === kidOf(key), 'signature')
  must(isSigned(importKey(key), event), 'signature')
}

function change(state: NaiveState, type: string, claims: Json): Partial<NaiveState> {
  const key = claims['key'] as Json | undefined
  const known = new Set([...state.used, ...state.added.map(({ kid }) => kid)])
  if (type === 'deactivate' || type === 'move') {
    checkCommittedKey(state, claims)
    return type === 'move' ? move(state, String(claims['to'])) : { ended: true }
  }
  if (type === 'remove-key') {
    const added = state.added.filter(({ kid }) => kid !== claims['kid'])
    must(added.length < state.added.length, 'unknown-key')
    return { added }
  }
  const kid = kidOf(key ?? {})
  if (type === 'add-key') {
    const { label, exp, iat } = claims as { label: string; exp: number; iat: number }
    must(!known.has(kid) && kid !== state.next, 'reused')
    must(state.added.length < 4, 'too-many-keys')
    must(exp > iat && exp <= iat + 366 * DAY)
    checkProof(claims)
    return { added: [...state.added, { kid, label, exp }] }
  }
  if (type === 'rotate' && state.next !== undefined) must(kid === state.next, 'not-committed')
  if (type === 'rotate') checkProof(claims)
  const next = claims['next'] as string | undefined
  must(!known.has(kid), 'reused')
  must(next === undefined || !(next === kid || known.has(next)), 'reused')
  return { key: key ?? {}, kid, next, used: [...state.used, kid] }
}

/** Checks the key of an event that ends a DID. */
function checkCommittedKey(state: NaiveState, claims: Json): void {
  if (!('key' in claims)) {
    must(state.next === undefined, 'not-committed')
    return
  }
  must(kidOf(claims['key'] as Json) === state.next, 'not-committed')
  checkProof(claims)
}

function move(state: NaiveState, to: string): Partial<NaiveState> {
  must(to !== state.did && to.slice(-32) === state.did.slice(-32) && !state.left.includes(to))
  return { did: to, left: [...state.left, state.did] }
}
