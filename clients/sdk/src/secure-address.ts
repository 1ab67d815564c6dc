import { clientError } from './errors.ts'

const LOCAL_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
/** Target of a gRPC channel (gRPC name resolution), which may list several addresses. */
const LOCAL_TARGET = [
  /^(?:dns:)?(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/,
  /^ipv4:127(?:\.\d{1,3}){3}(?::\d{1,5})?(?:,127(?:\.\d{1,3}){3}(?::\d{1,5})?)*$/,
  /^ipv6:\[::1\](?::\d{1,5})?(?:,\[::1\](?::\d{1,5})?)*$/,
  /^unix:/,
]

/** Whether what is sent to a URL is read by nobody else: https, or a host of this machine. */
export function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && LOCAL_HOST.test(hostname))
}

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
