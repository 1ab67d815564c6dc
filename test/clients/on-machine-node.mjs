/**
 * Runs in a project where the packages are installed, on the Node that the machine has. Prints its results as JSON.
 * Its argument is the claims of a valid token.
 */
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { createServer } from 'node:http'
import { createVerifier } from '@auth4agent/verifier'
import { protect } from '@auth4agent/verifier/express'
import express5 from 'express'
import express4 from 'express-4'

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
/**
 * The encoding of the identity point, which has small order. This program uses it as a key and as R of a signature.
 */
const IDENTITY = Buffer.from('01'.padEnd(64, '0'), 'hex')
const ZERO = Buffer.alloc(32)

const toNumber = (bytes) => BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
const toBytes = (number) => Buffer.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toReversed())
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const sha512 = (...parts) => createHash('sha512').update(Buffer.concat(parts)).digest()

function toKey(raw) {
  const x = raw.toString('base64url')
  const members = { crv: 'Ed25519', kty: 'OKP', x }
  const kid = createHash('sha256').update(JSON.stringify(members)).digest('base64url')
  return { raw, kid, members, published: { ...members, alg: 'EdDSA', use: 'sig', kid } }
}

function makeToken(claims, key, makeSignature) {
  const iat = Math.floor(Date.now() / 1_000)
  const all = { ...claims, iat, nbf: iat, exp: iat + 900 }
  const input = `${encode({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid })}.${encode(all)}`
  return `${input}.${makeSignature(Buffer.from(input)).toString('base64url')}`
}

/** Creates a signature whose R is the identity point. Only the owner of the key can do that. */
function signWithIdentity(privateKey, raw, message) {
  const half = sha512(Buffer.from(privateKey.export({ format: 'jwk' }).d, 'base64url')).subarray(0, 32)
  half[0] &= 248
  half[31] = (half[31] & 127) | 64
  const challenge = toNumber(sha512(IDENTITY, raw, message)) % ORDER
  return Buffer.concat([IDENTITY, toBytes((challenge * toNumber(half)) % ORDER)])
}

async function listen(handler) {
  const server = createServer(handler)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return `http://127.0.0.1:${server.address().port}`
}

async function outcome(verifier, token) {
  try {
    await verifier.verify(token)
    return 'VALID'
  } catch (error) {
    return error.reason
  }
}

async function statuses(framework, verifier, token) {
  const app = framework()
  app.get('/', protect(verifier), (_request, response) => response.json({}))
  const broken = { ...verifier, verify: () => Promise.reject(new Error('broken')) }
  app.get('/broken', protect(broken), (_request, response) => response.json({}))
  app.use((_error, _request, response, _next) => response.status(500).end())
  const url = await listen(app)
  const headers = { authorization: `Bearer ${token}` }
  const answers = [await fetch(url), await fetch(url, { headers }), await fetch(`${url}/broken`, { headers })]
  return answers.map(({ status }) => status)
}

const good = JSON.parse(process.argv[2])
const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const key = toKey(Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url'))
const weak = toKey(IDENTITY)
const issuer = await listen((request, response) => {
  const isKeys = request.url === '/.well-known/jwks.json'
  response.end(JSON.stringify(isKeys ? { keys: [key.published, weak.published] } : { issuer }))
})
const verifier = createVerifier({ issuer, audience: good.aud, operators: 'any', revocations: 'none' })
await verifier.ready()
const claims = { ...good, iss: issuer }
const token = makeToken(claims, key, (message) => sign(null, message, privateKey))
const forged = makeToken(claims, weak, () => Buffer.concat([IDENTITY, ZERO]))
const signed = Buffer.from(forged.slice(0, forged.lastIndexOf('.')))
const weakKey = createPublicKey({ key: weak.members, format: 'jwk' })

process.stdout.write(
  JSON.stringify({
    version: process.versions.node,
    platformAcceptsForged: verify(null, signed, weakKey, Buffer.concat([IDENTITY, ZERO])),
    outcomes: {
      good: await outcome(verifier, token),
      forged: await outcome(verifier, forged),
      identity: await outcome(
        verifier,
        makeToken(claims, key, (message) => signWithIdentity(privateKey, key.raw, message)),
      ),
    },
    express4: await statuses(express4, verifier, token),
    express5: await statuses(express5, verifier, token),
  }),
)
verifier.close()
