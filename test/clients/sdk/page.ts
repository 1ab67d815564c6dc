/**
 * The module that the page runs. It uses a key that no script can export if WebCrypto supports Ed25519, and a key of
 * noble otherwise.
 */
export const PAGE = `
import { Auth4Agent, createAgent, generateKey, generateWebCryptoKey, signerFromKeyPair } from '@auth4agent/sdk'
export default async function run() {
  const lacks = await crypto.subtle.importKey('raw', new Uint8Array(32), 'Ed25519', true, ['verify']).then(() => false, () => true)
  const key = lacks ? await generateKey() : await generateWebCryptoKey()
  const { publicKey } = lacks ? key : await signerFromKeyPair(key)
  const answer = await fetch('/ask', { method: 'POST', body: JSON.stringify([...publicKey]) })
  const options = { server: location.origin, key, scopes: ['a'], ...(await answer.json()) }
  const agent = createAgent(options)
  const [shown] = await (await agent.fetch('/echo')).json()
  const bound = await (await createAgent({ ...options, dpop: true }).fetch('/echo')).json()
  const token = await agent.token()
  const sdk = new Auth4Agent({ server: location.origin, issuer: new URL(JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).iss).origin })
  const { valid } = await sdk.verify(token)
  const identity = await sdk.identity.create('page.test')
  const made = { did: identity.did, publicKey: [...identity.publicKey] }
  return { valid, made, lacks, extractable: key.privateKey?.extractable, token, shown, bound }
}`

/** Returns the identities that the two runs of the page created. */
export function madeIn(told: unknown): readonly { readonly did: string; readonly publicKey: readonly number[] }[] {
  return Object.values(Object(told)).map((run) => Object(run).made)
}
