import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { eventOf, type IdentityKey, proofOf, withProof } from '../../support/key-events.ts'
import { keyOf, type Made, makeEvent, POOL, type Step } from './build-log.ts'
import { choose, ENDS, ending, type Fault, pick, textsOf } from './fault.ts'
import { type NaiveState, naiveApply } from './naive-replayer.ts'
import { PROOF_FAULTS } from './proof-faults.ts'

/** Returns the state at the end of a valid log. */
function stateAfter(log: readonly Made[]): NaiveState | undefined {
  const last = log.at(-1)
  return last && naiveApply(last.before, last.text)
}

/** Makes an event `add-key` for the end of a valid log, or undefined if no further key can be added. */
function makeNext(log: readonly Made[], chosen: Step): Made | undefined {
  const state = stateAfter(log)
  return state && makeEvent(state, { ...chosen, type: 'add-key' })
}

const isSigned = ({ claims }: Made) => claims['recorded'] === undefined
const isFollowing = ({ before }: Made) => before !== undefined

const text = (value: unknown) => (typeof value === 'string' ? value : '')

/** Claims that are wrong for their event, although the right key signs them. */
const EDITS: readonly ((claims: Made['claims']) => object)[] = [
  ({ seq }) => ({ seq: Number(seq) + 1 }),
  ({ seq }) => ({ seq: Number(seq) - 1 }),
  ({ seq }) => ({ seq: `${Number(seq)}` }),
  ({ iat }) => ({ iat: Number(iat) - 100 * 366 * 86_400 }),
  ({ iat }) => ({ iat: Number(iat) + 0.5 }),
  () => ({ iat: undefined }),
  ({ did }) => ({ did: `${String(did).slice(0, -1)}0` }),
  ({ did }) => ({ did: String(did).replace('did:agent:', 'did:agent:x.') }),
  ({ did }) => ({ did: String(did).toUpperCase() }),
  ({ prev, did }) => ({ prev: prev === undefined ? did : `${text(prev).slice(0, -2)}AA` }),
  () => ({ jti: 'a' }),
  () => ({ constructor: {} }),
  () => ({ type: 'revoke' }),
  ({ type }) => ({ type: type === 'rotate' ? 'recover' : 'rotate' }),
  ({ exp }) => (exp === undefined ? { exp: 1 } : { exp: Number(exp) + 400 * 86_400 }),
  ({ label }) => (label === undefined ? { label } : { label: 'TPM\u202e' }),
  ({ kid }) => (kid === undefined ? { kid: 'a' } : { kid: `${text(kid).slice(0, -2)}AA` }),
  ({ to, did }) => (to === undefined ? { to: did } : { to: did }),
  ({ key }) => ({ key: { ...(key as object), use: 'sig' } }),
  ({ key }) => (key === undefined ? { key } : { key: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } }),
  ({ key, next }) => (key === undefined ? { next: 'a' } : { next: next === undefined ? POOL[0]?.kid : undefined }),
  ({ next }) => (next === undefined ? {} : { next: POOL[0]?.kid }),
]

/** Headers that are wrong, although the right key signs them. The first two are right. */
const HEADERS: readonly object[] = [
  { alg: 'Ed25519' },
  { note: 1 },
  { alg: 'none' },
  { alg: 'ES256' },
  { typ: 'JWT' },
  { kid: undefined },
  { crit: [] },
  { jwk: {} },
]

/** Other texts of the same JSON. The first three have the same meaning. */
const SPELLINGS: readonly ((json: string) => string)[] = [
  (json) => json.replaceAll(',', ' , '),
  (json) => json.replace('"seq":', '"s\\u0065q":'),
  (json) => json.replace(/"seq":(\d+)/, '"seq":$1.0'),
  (json) => json.replace('{', '{"seq":1,'),
  (json) => json.replace('{', '{"__proto__":1,'),
  (json) => json.replace('{', '{"did":"did:agent:a.example","d\\u0069d":"",'),
  (json) => json.replace(/"iat":\d+/, '"iat":1e400'),
  (json) => `\ufeff${json}`,
  (json) => `[${json}]`,
  (json) => json.slice(1),
]

function signText(signer: IdentityKey, header: string, json: string): string {
  const input = `${header}.${encodeBase64url(Buffer.from(json))}`
  return `${input}.${encodeBase64url(signer.signNow(Buffer.from(input)))}`
}

/** Characters that can replace one of an event. */
const CHARACTERS = Array.from('ABCabc019-_.=+/ \n\u0000é')

/** All faults by name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  ...PROOF_FAULTS,
  fork(log, { at, step: other }) {
    const made = choose(log, at, isFollowing)
    const fork = made?.before && makeEvent(made.before, other)
    if (made === undefined || fork === undefined || fork.text === made.text) return undefined
    return textsOf(log).with(made.place, fork.text)
  },
  gap: (log, { at }) => (log.length < 2 ? undefined : textsOf(log).toSpliced(at % log.length, 1)),
  replay(log, { at, other }) {
    const place = at % log.length
    const later = place + 1 + (other % (log.length - place))
    return textsOf(log).toSpliced(later, 0, pick(log, at).text)
  },
  order(log, { at, other }) {
    const [one, two] = [at % log.length, other % log.length]
    return one === two ? undefined : textsOf(log).with(one, pick(log, two).text).with(two, pick(log, one).text)
  },
  bytes(log, { at, other, variant }) {
    const place = at % log.length
    const { text } = pick(log, place)
    const index = other % text.length
    return textsOf(log).with(place, text.slice(0, index) + pick(CHARACTERS, variant) + text.slice(index + 1))
  },
  truncation: (log, { at }) => (log.length < 2 ? undefined : textsOf(log).slice(0, 1 + (at % (log.length - 1)))),
  'truncated text'(log, { at, other }) {
    const place = at % log.length
    const { text } = pick(log, place)
    return ending(log, place, text.slice(0, other % text.length))
  },
  'stale key'(log, { at, other, variant }) {
    const made = choose(log, at, ({ before, signer }) => before?.used.some((kid) => kid !== signer.kid) ?? false)
    const stale = POOL.filter(({ kid }) => made?.before?.used.includes(kid) && kid !== made.signer.kid)
    if (made === undefined || stale.length === 0) return undefined
    const kid = variant % 2 === 0 ? {} : { kid: made.signer.kid }
    return ending(log, made.place, eventOf(pick(stale, other), made.claims, kid))
  },
  'bare end'(log, { at, variant }) {
    const made = choose(log, at, ({ claims, proven }) => proven !== undefined && ENDS.includes(claims['type']))
    if (made === undefined) return undefined
    const bare = pick([{ key: undefined, proof: undefined }, { key: undefined }, { proof: undefined }], variant)
    return ending(log, made.place, eventOf(made.signer, { ...made.claims, ...bare }))
  },
  'other recovery'(log, { at, other }) {
    const made = choose(log, at, ({ claims }) => claims['type'] === 'recover')
    const key = pick(POOL, other)
    if (made === undefined || key === made.signer) return undefined
    return ending(log, made.place, eventOf(key, { ...made.claims, key: key.jwk }))
  },
  claim(log, { at, variant }) {
    const made = choose(log, at, isSigned)
    if (made === undefined) return undefined
    const { proof: _, ...claims } = { ...made.claims, ...pick(EDITS, variant)(made.claims) }
    const proof = made.proven && proofOf(made.proven, claims)
    return ending(log, made.place, eventOf(made.signer, { ...claims, proof }))
  },
  header(log, { at, variant }) {
    const made = choose(log, at, isSigned)
    return made && ending(log, made.place, eventOf(made.signer, made.claims, pick(HEADERS, variant)))
  },
  spelling(log, { at, variant }) {
    const made = choose(log, at, isSigned)
    const [header = ''] = made?.text.split('.') ?? []
    return (
      made &&
      ending(log, made.place, signText(made.signer, header, pick(SPELLINGS, variant)(JSON.stringify(made.claims))))
    )
  },
  'one too many'(log, { at, other, variant }) {
    const state = stateAfter(log)
    if (state === undefined) return undefined
    const place = { did: state.did, seq: state.seq + 1, prev: state.head, iat: state.iat }
    const [key, kid] = [pick(POOL, other), pick(POOL, at).kid]
    const ending = { ...place, type: 'deactivate' }
    const claims = pick(
      [
        withProof(key, { ...place, type: 'add-key', label: 'TPM', exp: state.iat + 60 }),
        { ...place, type: 'recover', key: key.jwk },
        at % 2 === 0 ? withProof(key, ending) : ending,
        withProof(key, { ...place, type: 'rotate', next: kid }),
      ],
      variant,
    )
    return [...textsOf(log), eventOf(claims.type === 'recover' ? key : keyOf(state.kid), claims)]
  },
  'unknown key'(log, { other }) {
    const state = stateAfter(log)
    if (state === undefined || state.ended) return undefined
    const place = { did: state.did, seq: state.seq + 1, prev: state.head, iat: state.iat }
    return [...textsOf(log), eventOf(keyOf(state.kid), { type: 'remove-key', kid: pick(POOL, other).kid, ...place })]
  },
  'fifth key'(log, { other, step: chosen }) {
    const grown = [...log]
    for (let added = makeNext(grown, chosen); added !== undefined; added = makeNext(grown, chosen)) grown.push(added)
    const state = stateAfter(grown)
    const key = POOL.find((each, index) => index >= other % POOL.length && each.kid !== state?.next)
    if (state === undefined || state.ended || key === undefined) return undefined
    const place = { did: state.did, seq: state.seq + 1, prev: state.head, iat: state.iat }
    const claims = withProof(key, { ...place, type: 'add-key', label: 'TPM', exp: state.iat + 60 })
    return [...textsOf(grown), eventOf(keyOf(state.kid), claims)]
  },
}
