import type { MediaType } from '../../calls/resource.ts'

interface Range extends MediaType {
  readonly quality: number
}

interface Preference {
  readonly quality: number
  readonly specificity: number
  readonly position: number
}

/**
 * Returns the index of the offer that the Accept header prefers (RFC 9110 section 12.5.1). Among offers of equal
 * quality, it prefers the offer that Accept names most exactly, then the offer that Accept names first, then the first
 * offer of the list. It returns 0 if no offer is acceptable: section 12.4.1 allows this, and old clients need it.
 */
export function negotiate(accept: string | undefined, offers: readonly MediaType[]): number {
  if (accept === undefined || accept === '*/*') return 0
  const ranges = splitUnquoted(accept, ',').map(parseRange)
  let best = 0
  let bestPreference: Preference | undefined
  for (const [index, offer] of offers.entries()) {
    const preference = preferenceFor(offer, ranges)
    if (preference === undefined || preference.quality === 0) continue
    if (bestPreference === undefined || isPreferred(preference, bestPreference)) {
      best = index
      bestPreference = preference
    }
  }
  return best
}

function isPreferred(a: Preference, b: Preference): boolean {
  if (a.quality !== b.quality) return a.quality > b.quality
  if (a.specificity !== b.specificity) return a.specificity > b.specificity
  return a.position < b.position
}

/** Returns the preference for an offer, from the range that matches the offer most exactly. */
function preferenceFor(offer: MediaType, ranges: readonly Range[]): Preference | undefined {
  let found: Preference | undefined
  for (const [position, range] of ranges.entries()) {
    const specificity = specificityOf(range, offer)
    if (specificity === undefined || (found !== undefined && specificity <= found.specificity)) continue
    found = { quality: range.quality, specificity, position }
  }
  return found
}

function specificityOf(range: Range, offer: MediaType): number | undefined {
  if (range.type === '*' && range.subtype === '*') return 0
  if (range.type !== offer.type) return undefined
  if (range.subtype === '*') return 1
  // A media type with a profile is a different representation, so the range and the offer must have the same profile.
  return range.subtype === offer.subtype && range.profile === offer.profile ? 2 : undefined
}

function parseRange(text: string): Range {
  const [essence = '', ...parameters] = splitUnquoted(text, ';')
  const [type = '', subtype = ''] = essence.trim().toLowerCase().split('/')
  let quality = 1
  let profile: string | undefined
  for (const parameter of parameters) {
    const cut = parameter.indexOf('=')
    const name = parameter.slice(0, cut).trim().toLowerCase()
    const value = unquote(parameter.slice(cut + 1).trim())
    if (name === 'q') quality = /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : 0
    if (name === 'profile') profile = value
  }
  return profile === undefined ? { type, subtype, quality } : { type, subtype, profile, quality }
}

/** Returns the text in a quoted string (RFC 9110 section 5.6.4). Returns any other text unchanged. */
export function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
    : text
}

/** Splits a text at each separator that is outside quoted strings (RFC 9110 section 5.6.4), in one pass. */
export function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (isQuoted && character === '\\') index++
    else if (character === '"') isQuoted = !isQuoted
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}
