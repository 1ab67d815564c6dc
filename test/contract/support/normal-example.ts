import type { JsonValue } from '@bufbuild/protobuf'

/** Texts that are different in each run, and what an example has in their place. The first rules count first. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/, '<the PEM text of a private key>'],
  [/(?<=\?view=)[\w.-]+/, 'eyJleGFtcGxlIjoxfQ'],
  [/(?<=\bid: \d+-\d+-)[\w-]{43}/, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
  // A header, a payload and a signature.
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/, 'eyJhbGciOiJFZERTQSJ9.eyJleGFtcGxlIjoxfQ.c2lnbmF0dXJl'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/, '3f1c9a52-7d84-8b06-9e2f-5a0c1d4e6b78'],
  [/(?<=did:agent:[a-z.-]+:)[0-9a-f]{32}\b/, 'd36bb1b8a1a2cbf1d4c0e5f7a9b3c2d4'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/, '2026-11-27T10:00:00Z'],
  [/\b1[6-9]\d{8}\b/, '1795773600'],
  // The key and a signature of RFC 8032 section 7.1.
  [/\bz6Mk[1-9A-HJ-NP-Za-km-z]{44}\b/, 'z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw'],
  [
    /(?<![\w+/-])[A-Za-z0-9+/]{86}==/,
    '5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==',
  ],
  [/(?<![\w+/-])[A-Za-z0-9+/]{43}=/, '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='],
  // Other base64, and texts that the server seals.
  [/(?<![\w+/-])[A-Za-z0-9+/]{44,}={1,2}/, 'ZXhhbXBsZQ=='],
  [/(?<![\w.+/-])[\w-]{60,}(?:\.[\w-]+)*/, 'eyJleGFtcGxlIjoxfQ'],
  // The thumbprint of RFC 8037 appendix A.3.
  [/(?<![\w+-])(?!\w+-[0-9a-f]{8}-)[\w-]{43}(?![\w+=-])/, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
]
const ANY_TEXT = new RegExp(TEXTS.map(([{ source }]) => `(${source})`).join('|'), 'g')
/** Members that are different in each run or in each version, but cannot be known by their form. */
const MEMBERS: Readonly<Record<string, string | number>> = {
  nonce: 'bm9uY2Utb2YtMTYtYnl0ZQ',
  jti: 'b5d0f3a1-4c2e-4f6a-8d9b-7e1c0a2f3b4d',
  host: 'auth-0 7',
  version: '0.1.0',
  schema: '20261202091001_processes',
  unlisted_sessions: 0,
  minimum_epoch: 58_000_000,
}

/** Returns a value of a contract test as an example has it: with made-up ids, keys, times and signatures. */
export function normalExample(value: JsonValue, name = ''): JsonValue {
  const known = MEMBERS[name]
  if (typeof value === typeof known && known !== undefined) return known
  if (typeof value === 'string') return normalText(value)
  if (typeof value === 'number') return isTime(value) ? 1_795_773_600 : value
  if (Array.isArray(value)) return value.map((item) => normalExample(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, normalExample(inner, member)]))
}

function normalText(text: string): string {
  return text.replaceAll(ANY_TEXT, (found, ...groups: readonly unknown[]) => {
    const rule = groups.findIndex((group) => group !== undefined)
    return TEXTS[rule]?.[1] ?? found
  })
}

/** Returns an answer as an example has it. The order of a list may be random, and one object shows what a list has. */
export function normalAnswer(value: JsonValue): JsonValue {
  return shortened(normalExample(value))
}

/** Returns the start of a stream of events and its last event, as an example has them. */
export function normalEvents(text: string): JsonValue {
  const events = text.split('\n\n').filter((event) => event !== '')
  return normalExample([...events.slice(0, 2), ...events.slice(-1)].join('\n\n'))
}

function shortened(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    if (!value.some(isObject)) return value.filter((item, index) => isNumber(item) || value.indexOf(item) === index)
    const items = value.map((item) => JSON.stringify(shortened(item))).toSorted()
    return items.slice(0, 1).map((item): JsonValue => JSON.parse(item))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, shortened(inner)]))
}

function isObject(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null
}

function isNumber(value: JsonValue): boolean {
  return typeof value === 'number'
}

/** Unix seconds of these years. */
function isTime(value: number): boolean {
  return Number.isInteger(value) && value > 1_600_000_000 && value < 2_000_000_000
}
