const TIMEOUT_MS = 5_000
const MAX_CHARACTERS = 65_536

/** Gets the text of an answer from a service beside the agent. Follows no redirect. Rejects with Error. */
export async function fetchToken(
  fetch: typeof globalThis.fetch,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const request = {
    headers,
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  } as const
  const response = await fetch(url, request).catch((error: unknown) => {
    signal.throwIfAborted()
    throw new Error(`${url.origin} cannot be reached`, { cause: error })
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url.origin} answered with status ${response.status}`)
  if (text.length > MAX_CHARACTERS) throw new Error(`The answer of ${url.origin} is too long`)
  return text
}
