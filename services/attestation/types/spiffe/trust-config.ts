import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { parseStoredTarget } from '../../../platform/outbound/parse-target.ts'
import { invalidConfig, readText } from '../read-config.ts'
import { type Bundle, BundleError, readBundle } from './bundle.ts'
import type { GetBundle } from './bundle-source.ts'
import { isTrustDomain } from './spiffe-id.ts'

/** A trust domain, and where its keys come from: pinned, or fetched from a pinned URL. */
export interface TrustConfig {
  readonly trustDomain: string
  readonly source: { readonly bundle: Bundle } | { readonly url: string }
}

/** The members of a configuration that {@link readTrust} reads. */
export const TRUST_MEMBERS = ['trust_domain', 'bundle', 'bundle_url', 'bundle_profile']
const SUPPORTED_PROFILE = 'https_web'

/**
 * Reads the trust domain and the source of its keys.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readTrust(config: JsonObject): TrustConfig {
  const trustDomain = readText(config, 'trust_domain')
  if (trustDomain === undefined || !isTrustDomain(trustDomain)) {
    throw invalidConfig('trust_domain', 'must be the name of a trust domain: lower-case letters, digits, ".", "-", "_"')
  }
  const url = readText(config, 'bundle_url')
  const pinned = Object.hasOwn(config, 'bundle') ? config['bundle'] : undefined
  if ((url === undefined) === (pinned === undefined)) {
    throw invalidConfig('bundle', 'must be there, or config.bundle_url, and not both')
  }
  checkProfile(readText(config, 'bundle_profile'), url)
  return { trustDomain, source: url === undefined ? { bundle: readPinned(pinned) } : { url: readUrl(url) } }
}

/** Returns the bundle that is valid now. Rejects with ApiError UNAVAILABLE. */
export async function currentBundle({ source }: TrustConfig, attestorId: string, get: GetBundle): Promise<Bundle> {
  return 'bundle' in source ? source.bundle : get(attestorId, source.url)
}

/** With https_spiffe, the endpoint proves itself by an X509-SVID, which the outbound client does not check. */
function checkProfile(profile: string | undefined, url: string | undefined): void {
  if (profile !== undefined && (url === undefined || profile !== SUPPORTED_PROFILE)) {
    throw invalidConfig('bundle_profile', `must be ${SUPPORTED_PROFILE}, the only supported profile, beside bundle_url`)
  }
}

function readPinned(json: unknown): Bundle {
  try {
    if (isJsonObject(json)) return readBundle(json)
  } catch (error) {
    if (!(error instanceof BundleError)) throw error
    throw invalidConfig('bundle', error.message)
  }
  throw invalidConfig('bundle', 'must be a JSON object')
}

/** Local names are allowed here, and the outbound client refuses them where they are not test domains. */
function readUrl(text: string): string {
  try {
    parseStoredTarget(text, true)
    return text
  } catch {
    throw invalidConfig(
      'bundle_url',
      'must be an https URL in its normal form that names its host, without user, password or fragment',
    )
  }
}
