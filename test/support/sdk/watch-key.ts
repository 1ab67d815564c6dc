import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { createOperator, type Operator, type OperatorOptions, type SeedSigner } from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'

/** An operator and a key of it with the role watch: the option `revocations` of a verifier. */
export interface Watcher {
  readonly operatorId: string
  readonly key: SeedSigner
}

/** Adds a key with the role watch to an operator, as a root key does it for an API. */
export async function addWatchKey(operator: Operator): Promise<Watcher> {
  const key = generatePrivateKey().signer
  const nowS = Math.floor(Date.now() / 1_000)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key.publicKey).toString('base64url') } as const
  const added = {
    jwk,
    label: `api ${signerKid(key).slice(0, 8)}`,
    roles: ['watch'],
    nbf: nowS - 60,
    exp: nowS + 3_600,
  } as const
  const current = await operator.keys.get()
  await operator.keys.set({ ...current, keys: [...current.keys, added] })
  return { operatorId: operator.id, key }
}

/** Does the same for the operator of an id and a root key. */
export function watcherOf(options: OperatorOptions): Promise<Watcher> {
  return addWatchKey(createOperator(options))
}
