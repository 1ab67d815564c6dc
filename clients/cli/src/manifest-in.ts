import { isJsonObject } from '@auth4agent/core/encoding/strict-json'

/** Returns the manifest in a request. A request over gRPC is no JSON, but contains the manifest as text. */
export function manifestIn(body: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body)
    if (isJsonObject(json) && typeof json.manifest === 'string') return json.manifest
  } catch {
    // Not JSON.
  }
  return /[\w-]{20,}\.[\w-]{20,}\.[\w-]{86}/.exec(body)?.[0]
}
