import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import { clientError } from './errors.ts'

/** Targets of a gRPC channel (gRPC name resolution) on this machine. A target may list several addresses. */
const LOCAL_TARGET = [
  /^(?:dns:)?(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/,
  /^ipv4:127(?:\.\d{1,3}){3}(?::\d{1,5})?(?:,127(?:\.\d{1,3}){3}(?::\d{1,5})?)*$/,
  /^ipv6:\[::1\](?::\d{1,5})?(?:,\[::1\](?::\d{1,5})?)*$/,
  /^unix:/,
]

/** Throws INSECURE_ADDRESS for an address to which a token must not be sent. */
export function expectSecureUrl(text: string): void {
  if (!isSecureUrl(text))
    throw clientError(
      'INSECURE_ADDRESS',
      `A token is only sent over https or to this machine, not to ${originOf(text)}`,
    )
}

/** Returns whether a channel's target can only be this machine, independent of DNS. */
export function isLocalTarget(target: string): boolean {
  return LOCAL_TARGET.some((pattern) => pattern.test(target))
}

function originOf(text: string): string {
  return URL.canParse(text) ? new URL(text).origin : 'an invalid URL'
}
