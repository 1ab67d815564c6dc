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
 * The parties of the protocol. They use only node:crypto and none of the server's code, so they do not repeat an error
 * in the server's encodings.
 */

/** An Ed25519 key pair. */
export interface Keys {
  /** The raw key, 32 bytes. */
  readonly publicKey: Buffer
  readonly privateKey: KeyObject
}

/** A party that signs assertions. */
export interface Asserter {
  /**
   * Returns an Authorization header with a fresh assertion that is valid for a minute.
   * @param rpc the call: `METHOD /path` on REST, `package.Service/Method` elsewhere; undefined for a read
   * @param claims further claims
   */
  assert(rpc?: string, claims?: object): string
}

/** An agent with its key. */
export interface AgentParty {
  readonly did: string
  /** The key in standard base64 with padding, as version 1 sends it. */
  readonly publicKey: string
  readonly rawPublicKey: Buffer
  readonly privateKey: KeyObject
  /** The document that version 1 clients send. Its publicKeyMultibase is plain base64. */
  readonly didDocument: Readonly<Record<string, unknown>>
  /** Returns the signature over a challenge, 64 bytes. */
  sign(challenge: string, nonce: string): Buffer
}

/** Creates a fresh key pair. */
export function newKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'), privateKey }
}

/** Reads a key pair from its private half in PEM. */
export function keysOf(pem: string): Keys {
  const privateKey = createPrivateKey(pem)
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { publicKey: Buffer.from(x, 'base64url'), privateKey }
}

/** Returns the RFC 7638 thumbprint of an Ed25519 key. */
export function thumbprintOf({ publicKey }: Keys): string {
  const x = publicKey.toString('base64url')
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url')
}

/** Creates the asserter of an operator. */
export function operatorAsserter(keys: Keys, operatorId: string, issuer: string): Asserter {
  return asserter(keys, 'auth4agent-operator+jwt', operatorId, issuer)
}

/** Creates the asserter of the administrator. */
export function adminAsserter(keys: Keys, issuer: string): Asserter {
  return asserter(keys, 'auth4agent-admin+jwt', 'admin', issuer)
}

/** Creates an agent under a domain, with a fresh key by default. */
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
  const kid = thumbprintOf(keys)
  return {
    assert(rpc, others) {
      const iat = Math.floor(Date.now() / 1000)
      const claims = { iss: party, sub: party, aud: issuer, iat, exp: iat + 60, jti: randomUUID(), rpc, ...others }
      return `Bearer ${signJws({ typ, kid }, claims, keys.privateKey)}`
    },
  }
}

/** Returns the parameters of a client authentication (RFC 7521 section 4.2), with a fresh assertion. */
export function clientAssertion({ did, privateKey }: AgentParty, issuer: string) {
  const claims = { iss: did, sub: did, aud: issuer, exp: Math.floor(Date.now() / 1000) + 60, jti: randomUUID() }
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: signJws({ typ: 'client-authentication+jwt' }, claims, privateKey),
  }
}

/**
 * Returns a fresh DPoP proof for a POST (RFC 9449 section 4.2). `others` are further claims, or replace those for a
 * POST.
 */
export function dpopProof({ publicKey, privateKey }: Keys, url: string, others: object = {}): string {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') }
  const claims = { jti: randomUUID(), htm: 'POST', htu: url, iat: Math.floor(Date.now() / 1000), ...others }
  return signJws({ typ: 'dpop+jwt', jwk }, claims, privateKey)
}

/** Signs a JWS in compact serialisation with the algorithm `EdDSA`. */
export function signJws(header: object, claims: object, privateKey: KeyObject): string {
  const input = `${encode({ alg: 'EdDSA', ...header })}.${encode(claims)}`
  return `${input}.${cryptoSign(null, Buffer.from(input), privateKey).toString('base64url')}`
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
