import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import { clientError } from './errors.ts'

/** Target of a gRPC channel (gRPC name resolution), which may list several addresses. */
const LOCAL_TARGET = [
  /^(?:dns:)?(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/,
  /^ipv4:127(?:\.\d{1,3}){3}(?::\d{1,5})?(?:,127(?:\.\d{1,3}){3}(?::\d{1,5})?)*$/,
  /^ipv6:\[::1\](?::\d{1,5})?(?:,\[::1\](?::\d{1,5})?)*$/,
  /^unix:/,
]

/** Throws INSECURE_ADDRESS where a token must not go. */
export function expectSecureUrl(text: string): void {
  if (!isSecureUrl(text))
    throw clientError('INSECURE_ADDRESS', `a token is sent by https, or to this machine: ${originOf(text)}`)
}

/** Whether a channel's target is this machine and nothing else, whoever is asked for names. */
export function isLocalTarget(target: string): boolean {
  return LOCAL_TARGET.some((pattern) => pattern.test(target))
}

function originOf(text: string): string {
  return URL.canParse(text) ? new URL(text).origin : 'no URL'
}
