/** A DID (DID Core 1.0 section 3.1). */
const DID = /^did:[a-z0-9]+(?::(?:[\w.-]|%[0-9A-Fa-f]{2})*)*:(?:[\w.-]|%[0-9A-Fa-f]{2})+$/
/** A DID URL (section 3.2): a DID, then path, query and fragment of RFC 3986. */
const PART = String.raw`(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*`
const DID_URL = new RegExp(`${DID.source.slice(0, -1)}(?:/${PART})?(?:\\?${PART})?(?:#${PART})?$`)
/** A date and time of XML Schema in UTC without a fraction (section 7.1.3). */
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/
const BASE58_MULTIBASE = /^z[1-9A-HJ-NP-Za-km-z]+$/

/** The conditions of DID Core on values, as patterns or functions. */
export const isDid = (value: unknown) => typeof value === 'string' && DID.test(value)
export const isDidUrl = (value: unknown) => typeof value === 'string' && DID_URL.test(value)
export const isAscii = (value: unknown) => typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)
export const isKeyword = (value: unknown) => typeof value === 'string' && /^[A-Za-z]+$/.test(value)
export const isMultibase = (value: unknown) => typeof value === 'string' && BASE58_MULTIBASE.test(value)
export const isDateTime = (value: unknown) =>
  typeof value === 'string' && DATE_TIME.test(value) && new Date(value).toISOString().replace('.000Z', 'Z') === value
export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const isSet = (value: unknown): value is unknown[] =>
  Array.isArray(value) && new Set(value.map((each) => JSON.stringify(each))).size === value.length
