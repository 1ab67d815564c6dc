import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign as cryptoSign,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto'

/**
 * The parties of the protocol as their own programs make them: with node:crypto alone and nothing of the server's code, so
 * that an error of the server's encodings is not made twice.
 */

/** An Ed25519 key pair. */
export interface Keys {
  /** Raw, 32 bytes. */
  readonly publicKey: Buffer
  readonly privateKey: KeyObject
}

/** Somebody who signs assertions. */
export interface Asserter {
  /**
   * An Authorization header with a fresh assertion, good for a minute.
   * @param rpc the call it is for: `METHOD /path` on REST, `package.Service/Method` elsewhere; none for calls that only read
   */
  assert(rpc?: string): string
}

/** An agent with its key. */
export interface AgentParty {
  readonly did: string
  /** Standard base64 with padding, as version 1 sends keys. */
  readonly publicKey: string
  readonly rawPublicKey: Buffer
  readonly privateKey: KeyObject
  /** The document that version 1 clients send: its publicKeyMultibase is plain base64. */
  readonly didDocument: Readonly<Record<string, unknown>>
  /** The signature over a challenge, 64 bytes. */
  sign(challenge: string, nonce: string): Buffer
}

/** A fresh key pair. */
export function newKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'), privateKey }
}

/** A key pair from its private half in PEM. */
export function keysOf(pem: string): Keys {
  const privateKey = createPrivateKey(pem)
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { publicKey: Buffer.from(x, 'base64url'), privateKey }
}

/** RFC 7638 thumbprint of an Ed25519 key. */
export function thumbprintOf({ publicKey }: Keys): string {
  const x = publicKey.toString('base64url')
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url')
}

/** An operator's side of its assertions. */
export function operatorAsserter(keys: Keys, operatorId: string, issuer: string): Asserter {
  return asserter(keys, 'auth4agent-operator+jwt', operatorId, issuer)
}

/** The administrator's side of its assertions. */
export function adminAsserter(keys: Keys, issuer: string): Asserter {
  return asserter(keys, 'auth4agent-admin+jwt', 'admin', issuer)
}

/** An agent with a fresh key under a domain. */
export function newAgentParty(domain: string, keys = newKeys()): AgentParty {
  const { publicKey, privateKey } = keys
  const fingerprint = createHash('sha256').update(publicKey).digest('hex').slice(0, 32)
  const did = `did:agent:${domain}:${fingerprint}`
  const base64 = publicKey.toString('base64')
  return {
    did,
    publicKey: base64,
    rawPublicKey: publicKey,
    privateKey,
    didDocument: {
      '@context': ['https://www.w3.org/ns/did/v1'],
      id: did,
      verificationMethod: [
        { id: `${did}#key-1`, type: 'Ed25519VerificationKey2020', controller: did, publicKeyMultibase: base64 },
      ],
      authentication: [`${did}#key-1`],
    },
    sign: (challenge, nonce) =>
      cryptoSign(null, Buffer.from(`auth4agents-challenge:${challenge}:${nonce}`), privateKey),
  }
}

function asserter(keys: Keys, typ: string, party: string, issuer: string): Asserter {
  const header = encode({ alg: 'EdDSA', typ, kid: thumbprintOf(keys) })
  return {
    assert(rpc) {
      const iat = Math.floor(Date.now() / 1000)
      const claims = { iss: party, sub: party, aud: issuer, iat, exp: iat + 60, jti: randomUUID(), rpc }
      const input = `${header}.${encode(claims)}`
      return `Bearer ${input}.${cryptoSign(null, Buffer.from(input), keys.privateKey).toString('base64url')}`
    },
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
