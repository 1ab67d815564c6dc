import { encodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { type ChallengeContent, challengeMessage } from '@auth4agent/core/identity/challenge'
import { sign } from '@auth4agent/core/keys/ed25519'
import { sealChallenge } from '../../../../services/authn/domain/seal-challenge.ts'
import { importHmacKey } from '../../../../services/platform/crypto/hmac.ts'
import {
  AGENT_KEY,
  AUDIENCE,
  DID,
  describe,
  ISSUER,
  NOW_S,
  OTHER_AGENT_KEY,
  OTHER_DID,
  OTHER_DOMAIN,
  seedOf,
} from './parties.ts'

const MAC_KEY = seedOf('challenge key')
const MAC_KEY_ID = 'challenge-key-1'
const NONCE = seedOf('nonce').subarray(0, 16)
const NONCE_TEXT = encodeBase64url(NONCE)

/** The terms that an agent asked for. The challenge must contain the same terms. Absent members were not asked for. */
interface Wanted {
  readonly scope?: string
  readonly audience?: readonly string[]
  readonly ttl?: number
}

const BOUND = { scope: 'read write', audience: [AUDIENCE], ttl: 900 }
const UNBOUND_CONTENT: ChallengeContent = { v: 1, iss: ISSUER, did: DID, exp: NOW_S + 300, kid: MAC_KEY_ID }
const CONTENT: ChallengeContent = { ...UNBOUND_CONTENT, scope: BOUND.scope, aud: BOUND.audience, ttl: BOUND.ttl }

/** Makes challenges that an agent signs or refuses to sign, and signed challenges that a server accepts or refuses. */
export function makeChallenges(): object {
  return {
    description: describe(
      'Challenges. `signing`: challenges that an agent signs or refuses to sign.',
      '`redemptions`: the answer of the server to a signed challenge, before it checks expiry, grant and earlier use.',
    ),
    issuer: ISSUER,
    did: DID,
    public_key: encodeBase64(AGENT_KEY.publicKey),
    now: NOW_S,
    mac_key_id: MAC_KEY_ID,
    mac_key_hex: MAC_KEY.toString('hex'),
    signing: signing(),
    redemptions: redemptions(),
  }
}

/** Seals a challenge with changed members. A member that is undefined is left out. */
function seal(changed: object = {}, content: object = CONTENT): string {
  return sealChallenge({ ...content, ...changed } as ChallengeContent, NONCE, importHmacKey(MAC_KEY))
}

const sealRaw = (json: string) => encodeBase64url(Buffer.concat([Buffer.from(json), Buffer.alloc(32)]))

function signing(): object[] {
  const signed = (name: string, challenge: string, wanted: Wanted = BOUND) => {
    const message = challengeMessage(challenge, NONCE_TEXT)
    return {
      name,
      wanted,
      challenge,
      nonce: NONCE_TEXT,
      expect: {
        content: JSON.parse(Buffer.from(challenge, 'base64url').subarray(0, -32).toString()),
        message: Buffer.from(message).toString(),
        signature: encodeBase64(sign(AGENT_KEY.privateKey, message)),
      },
    }
  }
  const refused = (name: string, challenge: string, because: string, nonce = NONCE_TEXT, wanted: Wanted = BOUND) => ({
    name,
    wanted,
    challenge,
    nonce,
    expect: { refused: because },
  })
  const good = seal()
  return [
    signed('bound to scope, audience and lifetime', good),
    signed('bound to no scope and to the issuer', seal({ scope: '', aud: [ISSUER] }), {
      scope: '',
      audience: [ISSUER],
      ttl: 900,
    }),
    signed('bound to several audiences, sorted', seal({ aud: [AUDIENCE, 'https://b.example.com'] }), {
      ...BOUND,
      audience: [AUDIENCE, 'https://b.example.com'],
    }),
    signed('not bound, and the agent asked for nothing', seal({}, UNBOUND_CONTENT), {}),
    signed('with a member that this version does not know', seal({ note: 'new' })),
    signed('one second before it expires', seal({ exp: NOW_S + 1 })),
    refused('another issuer', seal({ iss: 'https://auth.example.org' }), 'issuer'),
    refused('the issuer with a trailing slash', seal({ iss: `${ISSUER}/` }), 'issuer'),
    refused('another agent of the domain', seal({ did: OTHER_DID }), 'did'),
    refused('the same key under another domain', seal({ did: DID.replace('example.com', OTHER_DOMAIN) }), 'did'),
    refused('expired', seal({ exp: NOW_S }), 'expired'),
    refused('one scope more', seal({ scope: `${BOUND.scope} payments` }), 'scope'),
    refused('scopes in another order', seal({ scope: 'write read' }), 'scope'),
    refused('not bound to a scope', seal({ scope: undefined }), 'scope'),
    refused('another audience', seal({ aud: ['https://api.example.org'] }), 'audience'),
    refused('one audience more', seal({ aud: [AUDIENCE, 'https://api.example.org'] }), 'audience'),
    refused('not bound to an audience', seal({ aud: undefined }), 'audience'),
    refused('a longer lifetime', seal({ ttl: 3600 }), 'ttl'),
    refused('not bound to a lifetime', seal({ ttl: undefined }), 'ttl'),
    refused('another version', seal({ v: 2 }), 'unreadable'),
    refused('no issuer', seal({ iss: undefined }), 'unreadable'),
    refused('an expiry that is a string', seal({ exp: String(CONTENT.exp) }), 'unreadable'),
    refused('an audience that is a string', seal({ aud: AUDIENCE }), 'unreadable'),
    refused('a member twice', sealRaw(`{"did":"${OTHER_DID}",${JSON.stringify(CONTENT).slice(1)}`), 'unreadable'),
    refused('content that is not JSON', sealRaw('challenge'), 'unreadable'),
    refused('a JSON array', sealRaw(JSON.stringify([CONTENT])), 'unreadable'),
    refused('with base64 padding', `${seal({ kid: 'k' })}=`, 'unreadable'),
    refused('shorter than its MAC', encodeBase64url(Buffer.alloc(32)), 'unreadable'),
    refused('an empty text', '', 'unreadable'),
    refused('a nonce of 15 bytes', good, 'nonce', encodeBase64url(NONCE.subarray(0, 15))),
    refused('a nonce with base64 padding', good, 'nonce', `${NONCE_TEXT}==`),
    refused('an empty nonce', good, 'nonce', ''),
  ]
}

function redemptions(): object[] {
  const signatureOf = (challenge: string, nonce = NONCE_TEXT, key = AGENT_KEY) =>
    encodeBase64(sign(key.privateKey, challengeMessage(challenge, nonce)))
  const judged = (name: string, challenge: string, expect: string, nonce = NONCE_TEXT, signature?: string) => ({
    name,
    challenge,
    nonce,
    signature: signature ?? signatureOf(challenge, nonce),
    expect: expect === 'accepted' ? expect : { refused: expect },
  })
  const good = seal()
  const otherMac = sealChallenge(CONTENT, NONCE, importHmacKey(seedOf('another challenge key')))
  const otherNonce = encodeBase64url(seedOf('another nonce').subarray(0, 16))
  const bytes = Buffer.from(good, 'base64url')
  const altered = Buffer.concat([Buffer.from(JSON.stringify({ ...CONTENT, ttl: 3600 })), bytes.subarray(-32)])
  return [
    judged('as the server made it', good, 'accepted'),
    judged('not bound', seal({}, UNBOUND_CONTENT), 'accepted'),
    judged('a MAC by another key', otherMac, 'CHALLENGE_NOT_FOUND'),
    judged('altered content', encodeBase64url(altered), 'CHALLENGE_NOT_FOUND'),
    judged('the nonce of another challenge', good, 'CHALLENGE_NOT_FOUND', otherNonce),
    judged('an unknown MAC key', seal({ kid: 'challenge-key-2' }), 'CHALLENGE_NOT_FOUND'),
    judged('another issuer with the same MAC key', seal({ iss: 'https://auth.example.org' }), 'CHALLENGE_NOT_FOUND'),
    judged('the challenge of another agent', seal({ did: OTHER_DID }), 'CHALLENGE_NOT_FOUND'),
    judged('the nonce with base64 padding', good, 'CHALLENGE_NOT_FOUND', `${NONCE_TEXT}==`),
    judged(
      'the key of another agent',
      good,
      'INVALID_SIGNATURE',
      NONCE_TEXT,
      signatureOf(good, NONCE_TEXT, OTHER_AGENT_KEY),
    ),
    judged(
      'a signature over the challenge without the nonce',
      good,
      'INVALID_SIGNATURE',
      NONCE_TEXT,
      encodeBase64(sign(AGENT_KEY.privateKey, Buffer.from(good))),
    ),
    judged(
      'a signature of 63 bytes',
      good,
      'INVALID_SIGNATURE',
      NONCE_TEXT,
      encodeBase64(Buffer.from(signatureOf(good), 'base64').subarray(1)),
    ),
  ]
}
