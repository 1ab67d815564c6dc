/** The text at the beginning of the document. */
export const INTRODUCTION = `The HTTP API of an authentication server for autonomous agents. The same calls exist over
gRPC, Connect and gRPC-Web; \`x-rpc\` has their names.

**Requests.** Bodies are JSON in UTF-8, except under \`/oauth/\`, where they are forms. Field names may also be in
lowerCamelCase. \`null\` means that a field is absent. An unknown field or query parameter is refused with
\`UNKNOWN_FIELD\`, except in forms. Bytes are base64 or base64url, with or without padding. Times are RFC 3339 in UTC.

**Answers.** A field that is not listed as required may be absent. Later versions may add fields. Every answer has the
header \`X-Request-Id\`. A path with GET also answers HEAD.

**Errors.** An error has a stable \`reason\`. \`x-reasons\` of a response lists the reasons with its status. At every
path a client may also get \`REQUEST_TIMEOUT\` (408), \`METHOD_NOT_ALLOWED\` (405) and \`INTERNAL\` (500).

**Examples.** The requests are those of the contract tests. Ids, keys, times and signatures in them are made up.`.replaceAll(
  /(?<!\n)\n(?!\n)/g,
  ' ',
)

/** Groups of routes that no service has. */
export const TAGS = {
  Discovery: { name: 'Discovery', description: 'Documents that a client reads before its first call.' },
  Operations: { name: 'Operations', description: 'For the probes and the monitoring of the deployment.' },
  Pages: { name: 'Pages', description: 'For browsers.' },
} as const
