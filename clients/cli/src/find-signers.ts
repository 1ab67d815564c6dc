import { decodeBase64, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import type { OperationalKey, RootKey } from '@auth4agent/core/identity/operator-manifest'
import { type ParsedManifest, parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
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
  readonly config: Partial<OperatorConfig> | undefined
}

/**
 * Finds public keys of an operator by their thumbprints: in the folder, in the manifest in force, and in the earlier
 * manifests that the audit contains. A key that was removed is only in an earlier one. Keys that nobody knows are
 * missing in the result.
 */
export async function findSigners(kids: readonly string[], search: Search): Promise<ReadonlyMap<string, SignerKey>> {
  const { operator, config } = search
  const found = new Map<string, SignerKey>()
  const roots: RootKey[] = []
  const add = (keys: readonly (RootKey | OperationalKey)[], source: string, isTrusted: boolean) => {
    for (const key of keys) {
      const { kid, jwk, label } = key
      const webauthn = 'webauthn' in key ? key.webauthn : undefined
      if (!found.has(kid)) found.set(kid, { jwk, webauthn, label, source, isTrusted })
    }
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
  const addManifest = ({ manifest: { seq, rootKeys, keys } }: ParsedManifest, isTrusted: boolean) =>
    add([...rootKeys, ...keys], `manifest ${seq}`, isTrusted)
  const earlier: ParsedManifest[] = []
  for await (const parsed of earlierManifests(search)) {
    earlier.unshift(parsed)
    if (isSignedByRoot(parsed, roots)) addManifest(parsed, true)
    if (isComplete()) return found
  }
  const genuine = followChain(earlier, roots, search)
  for (const parsed of earlier.toReversed()) addManifest(parsed, genuine.has(parsed))
  return found
}

/**
 * Returns the manifests of which one of `roots`, a root key of the genuine manifest before, or the founding key has
 * signed each. The operator's id is made of the founding key, so nobody can name another.
 */
function followChain(
  oldestFirst: readonly ParsedManifest[],
  roots: readonly RootKey[],
  { operator, issuer, config }: Search,
): ReadonlySet<ParsedManifest> {
  const domain = config?.domain ?? ''
  const isFounding = ({ kid }: RootKey) => operatorId({ issuer, domain, thumbprint: kid }) === operator.id
  const genuine = new Set<ParsedManifest>()
  let last: ParsedManifest['manifest'] | undefined
  for (const parsed of oldestFirst) {
    const { seq, rootKeys } = parsed.manifest
    const before = last?.rootKeys ?? rootKeys.filter(isFounding)
    if (seq <= (last?.seq ?? 0) || !isSignedByRoot(parsed, [...before, ...roots])) continue
    genuine.add(parsed)
    last = parsed.manifest
  }
  return genuine
}

/** Returns the keys that operator.json names. */
function folderKeys(config: Partial<OperatorConfig> | undefined): readonly RootKey[] {
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

/** Yields the manifests in the audit, newest first. */
async function* earlierManifests({ operator, issuer }: Search) {
  const rules = { operatorId: operator.id, issuer }
  let count = 0
  for await (const { id } of operator.audit({ action: KEYS_ACTION, outcome: 'done' })) {
    if (++count > MAX_MANIFESTS) return
    const { signed_request: signed } = await operator.audit.get(id)
    const text = manifestIn(Buffer.from(signed?.body ?? '', 'base64').toString())
    const parsed = text === undefined ? undefined : parseOperatorManifest(text, rules)
    if (parsed?.ok === true) yield parsed
  }
}
