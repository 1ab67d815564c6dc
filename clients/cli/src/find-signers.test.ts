import { operatorId } from '@auth4agent/core/identity/operator-id'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { createOperator } from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { expect, it } from 'vitest'
import { signOperatorManifest } from '../../sdk/src/sign-operator-manifest.ts'
import { findSigners } from './find-signers.ts'

const ISSUER = 'https://auth.example'
const DOMAIN = 'acme.example'
/** Root keys, each of which replaced the one before. */
const [first, second, third, stranger] = [newRoot(), newRoot(), newRoot(), newRoot()]
const ID = operatorId({ issuer: ISSUER, domain: DOMAIN, thumbprint: first.kid })

function newRoot() {
  const { signer } = generatePrivateKey()
  const jwk = signerJwk(signer)
  if (jwk.kty !== 'OKP') throw new Error('A root key is of Ed25519')
  return { signer, jwk, kid: signerKid(signer), label: signerKid(signer).slice(0, 8) }
}
type Root = ReturnType<typeof newRoot>

const manifest = (seq: number, by: Root, rootKeys: readonly Root[]) =>
  signOperatorManifest(by.signer, {
    operatorId: ID,
    issuer: ISSUER,
    nowS: 1_800_000_000,
    seq,
    threshold: 1,
    rootKeys,
    keys: [],
  })
const begin = () => manifest(1, first, [first, second])
const finish = () => manifest(2, first, [second])
const beginAgain = () => manifest(3, second, [second, third])
const finishAgain = () => manifest(4, second, [third])
const inForce = await manifest(5, third, [third])

const idOf = (index: number) => `0199f3c0-0000-7000-8000-${String(index).padStart(12, '0')}`
const record = { at: 't', actor: 'a', action: 'operator.set-keys', subject: 's', outcome: 'done' }
const recordOf = (index: number) => ({ ...record, id: idOf(index) })

/** Finds root keys in the folder of the third root key, with these manifests in the audit of the server. */
async function trustedAmong(roots: readonly Root[], oldestFirst: readonly string[], domain = DOMAIN) {
  const answer = (path: string): object => {
    if (path.endsWith('/keys')) return { id: ID, seq: 5, manifest: inForce, threshold: 1, root_keys: [] }
    const index = oldestFirst.findIndex((_, each) => path.endsWith(idOf(each)))
    if (index < 0) return oldestFirst.map((_, each) => recordOf(each)).toReversed()
    const body = Buffer.from(JSON.stringify({ manifest: oldestFirst[index] })).toString('base64')
    return { record: recordOf(index), signed_request: { rpc: 'x', signatures: [], body, body_digest: 'x' } }
  }
  const fetch = async (input: string | URL | Request) => Response.json(answer(new URL(new Request(input).url).pathname))
  const operator = createOperator({ server: ISSUER, operatorId: ID, key: third.signer, fetch })
  const config = { domain, root_public_key: Buffer.from(third.signer.publicKey).toString('base64') }
  const found = await findSigners(
    roots.map(({ kid }) => kid),
    { operator, issuer: ISSUER, config },
  )
  return roots.map(({ kid }) => found.get(kid)?.isTrusted)
}

it('findSigners trusts retired root keys, because the chain from the founding key proves them', async () => {
  const all = await Promise.all([begin(), finish(), beginAgain(), finishAgain()])
  expect(await trustedAmong([first, second, third], [...all, inForce])).toEqual([true, true, true])
})

it.each<[string, () => Promise<readonly string[]>, string]>([
  ['that a stranger has signed', async () => [await begin(), await manifest(2, stranger, [stranger])], DOMAIN],
  ['that a retired root key has signed', async () => [await begin(), await finish(), await forgedByFirst()], DOMAIN],
  ['that is not newer than the one before', async () => [await begin(), await manifest(1, second, [stranger])], DOMAIN],
  ['whose founding key is not the one of the id', async () => [await manifest(1, stranger, [stranger])], DOMAIN],
  ['of a founding key for another domain', async () => [await manifest(1, first, [first, stranger])], 'other.example'],
])('findSigners does not trust a key of a manifest %s', async (_name, make, domain) => {
  expect(await trustedAmong([stranger], await make(), domain)).toEqual([false])
})

const forgedByFirst = () => manifest(3, first, [first, stranger])
