import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { RootKey } from '@auth4agent/core/identity/operator-manifest'
import { manifestDemand, parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
import type { KeysInForce } from '@auth4agent/core/identity/verify-manifest-chain'
import type { Operator, Prisma, PrismaClient } from '../../../gen/prisma/client.ts'
import type { Author } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import type { WantedProof } from '../../platform/dns/judge-proof.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The keys of an operator, and the manifest that contains them; empty before the first one. */
export interface StoredKeys extends KeysInForce {
  readonly manifest: string
}

/** The columns of an operator that its keys depend on. */
type KeyColumns = Pick<Operator, 'id' | 'rootPublicKey' | 'rootKeyThumbprint' | 'manifestSeq'>

/** Reads the keys of an operator. An operator without a manifest has only the root key with which it registered. */
export async function readKeys(db: PrismaClient | Tx, issuer: string, operator: KeyColumns): Promise<StoredKeys> {
  const { id, rootPublicKey, rootKeyThumbprint: kid, manifestSeq: seq } = operator
  if (seq === 0) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(rootPublicKey) } as const
    return { seq, manifest: '', threshold: 1, rootKeys: [{ kid, jwk, label: '' }], keys: [] }
  }
  const { manifest } = await db.operatorManifest.findUniqueOrThrow({
    where: { operatorId_seq: { operatorId: id, seq } },
    select: { manifest: true },
  })
  const rules = { operatorId: id, issuer, keys: 'admitted' } as const
  const parsed = parseOperatorManifest(manifest, rules)
  if (!parsed.ok)
    throw new Error(`The stored manifest of operator ${id} is not usable: ${manifestDemand(parsed, rules)}`)
  const { threshold, rootKeys, keys } = parsed.manifest
  return { seq, manifest, threshold, rootKeys, keys }
}

/** Reads which records in DNS prove an operator's domain: those that name one of its root keys. */
export async function proofOf(db: PrismaClient | Tx, issuer: string, operator: KeyColumns): Promise<WantedProof> {
  const { rootKeys } = await readKeys(db, issuer, operator)
  const { id: operatorId, rootKeyThumbprint: thumbprint } = operator
  return { issuer, operatorId, thumbprint, otherRootKeys: kidsOf(rootKeys) }
}

/** Returns the thumbprints of root keys. */
export function kidsOf(rootKeys: readonly RootKey[]): readonly string[] {
  return rootKeys.map(({ kid }) => kid)
}

/** Returns the columns of an operator whose DNS record names a root key. */
export function namedRootColumns(operator: Operator, { kid, jwk }: RootKey): Prisma.OperatorUpdateInput {
  if (kid === operator.rootKeyThumbprint) return {}
  return {
    rootPublicKey: Uint8Array.from(decodeBase64url(jwk.x) ?? []),
    rootKeyThumbprint: kid,
    // The operator's id is made of the root key with which it registered.
    foundingPublicKey: operator.foundingPublicKey ?? operator.rootPublicKey,
  }
}

/**
 * Throws unless the root keys that agreed to a call are still those in force. The row of the operator must be locked,
 * so that a change of the keys cannot overlap.
 *
 * @throws ApiError MANIFEST_CONFLICT
 */
export function requireCurrentKeys({ manifestSeq }: Operator, { principal }: Author): void {
  if (principal.kind === 'operator' && principal.root?.manifestSeq === manifestSeq) return
  throw new ApiError(
    'MANIFEST_CONFLICT',
    "The operator's keys must not change while the call is under way: read them and send the call again",
  )
}
