import { decodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { OperationalKey, RootKey } from '@auth4agent/core/identity/operator-manifest'
import { parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
import { isSignedByRoot } from '@auth4agent/core/identity/verify-manifest-chain'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import type { Operator } from '@auth4agent/sdk'
import type { OperatorConfig } from '@auth4agent/sdk/node'
import type { SignerKey } from './evidence.ts'
import { manifestIn } from './manifest-in.ts'
import { ROOT } from './own-keys.ts'

/** The action of the audit records about changes of the keys. */
const KEYS_ACTION = 'operator.set-keys'
/** How many earlier manifests are read at most. */
const MAX_MANIFESTS = 200

/** What {@link findSigners} needs. */
interface Search {
  readonly operator: Operator
  readonly issuer: string
  readonly config: OperatorConfig | undefined
}

/**
 * Finds public keys of an operator by their thumbprints: in the folder, in the manifest in force, and in the earlier
 * manifests that the audit contains. A key that was removed is only in an earlier one. Keys that nobody knows are
 * missing in the result.
 */
export async function findSigners(kids: readonly string[], search: Search): Promise<ReadonlyMap<string, SignerKey>> {
  const { operator, config } = search
  const found = new Map<string, SignerKey>()
  const roots: Pick<RootKey, 'kid' | 'jwk'>[] = []
  const add = (keys: readonly (RootKey | OperationalKey)[], source: string, isTrusted: boolean) => {
    for (const { kid, jwk, label } of keys) if (!found.has(kid)) found.set(kid, { jwk, label, source, isTrusted })
  }
  const own = folderKeys(config)
  roots.push(...own.filter(({ label }) => label === ROOT))
  const isComplete = () => kids.every((kid) => found.has(kid))
  const current = await operator.keys.get().catch(() => undefined)
  if (current !== undefined) {
    const { rootKeys, keys, seq, isTrusted } = current
    if (isTrusted) roots.push(...rootKeys)
    add([...rootKeys, ...keys], seq === 0 ? 'this folder' : `manifest ${seq}`, isTrusted)
  }
  add(own, 'this folder', true)
  if (isComplete()) return found
  for await (const { seq, rootKeys, keys, isTrusted } of earlierManifests(search, roots)) {
    add([...rootKeys, ...keys], `manifest ${seq}`, isTrusted)
    if (isComplete()) break
  }
  return found
}

/** Returns the keys that operator.json names. */
function folderKeys(config: OperatorConfig | undefined): readonly RootKey[] {
  const { root_public_key = '', known_manifest: known, operational_keys = [] } = config ?? {}
  const named = [
    [root_public_key, ROOT],
    ...(known?.root_keys ?? []).map((text) => [text, ROOT]),
    ...operational_keys.map(({ public_key, label }) => [public_key, label]),
  ]
  return named.flatMap(([text = '', label = '']) => {
    const raw = decodeBase64(text)
    if (raw?.length !== 32) return []
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(raw) } as const
    return [{ kid: jwkThumbprint(jwk), jwk, label }]
  })
}

/** Yields the manifests in the audit, newest first. A manifest is trusted if one of `roots` has signed it. */
async function* earlierManifests({ operator, issuer }: Search, roots: readonly Pick<RootKey, 'kid' | 'jwk'>[]) {
  const rules = { operatorId: operator.id, issuer }
  let count = 0
  for await (const { id } of operator.audit({ action: KEYS_ACTION, outcome: 'done' })) {
    if (++count > MAX_MANIFESTS) return
    const { signed_request: signed } = await operator.audit.get(id)
    const text = manifestIn(Buffer.from(signed?.body ?? '', 'base64').toString())
    const parsed = text === undefined ? undefined : parseOperatorManifest(text, rules)
    if (parsed?.ok === true) yield { ...parsed.manifest, isTrusted: isSignedByRoot(parsed, roots) }
  }
}
