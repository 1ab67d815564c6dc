/** How long an answer is fresh: the default if its headers do not say it, and the limits if they do. Milliseconds. */
const FRESH_MS = { byDefault: 300_000, least: 1_000, most: 86_400_000 }

/**
 * Returns the milliseconds for which an answer is still fresh (RFC 9111 section 4.2): its lifetime minus the time that
 * it was in caches.
 */
export function toFreshMs(headers: Headers): number {
  const control = headers.get('cache-control') ?? ''
  if (/(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/i.test(control)) return FRESH_MS.least
  const seconds = /(?:^|[\s,])max-age="?(\d{1,9})"?(?:$|[\s,])/i.exec(control)?.[1]
  const ms = seconds === undefined ? FRESH_MS.byDefault : Number(seconds) * 1_000 - toAgeMs(headers)
  return Math.min(Math.max(ms, FRESH_MS.least), FRESH_MS.most)
}

/** Returns how long an answer was in caches (RFC 9111 section 5.1), in milliseconds. */
export function toAgeMs(headers: Headers): number {
  return Number(/^\d{1,9}$/.exec(headers.get('age') ?? '')?.[0] ?? 0) * 1_000
}
