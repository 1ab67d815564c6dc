/** Where a browser has come to: a page, or an address outside of the story, which it does not open. */
export interface Place {
  readonly url: URL
  /** 0 for an address that was not opened. */
  readonly status: number
  readonly html: string
  readonly headers: Headers
}

/** A browser without script: it keeps cookies, follows redirects and pages that lead on, and sends forms. */
export interface Browser {
  open(url: string | URL): Promise<Place>
  /** Sends a form as a page of the issuer does, with other headers if the test is an attacker. */
  send(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Place>
  /** The cookies by origin and name. */
  readonly cookies: Map<string, string>
}

const MOST_STEPS = 20

/**
 * Creates a browser.
 *
 * @param inside tells whether the browser opens an address of this origin
 */
export function createBrowser(issuer: string, inside: (origin: string) => boolean): Browser {
  const cookies = new Map<string, string>()
  const headerFor = ({ origin }: URL) =>
    [...cookies].flatMap(([key, value]) =>
      key.startsWith(`${origin} `) ? [`${key.slice(origin.length + 1)}=${value}`] : [],
    )
  const step = async (url: URL, init: RequestInit): Promise<Place> => {
    const headers = new Headers(init.headers)
    headers.set('cookie', headerFor(url).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '' || /max-age=0/i.test(cookie)) cookies.delete(`${url.origin} ${name}`)
      else cookies.set(`${url.origin} ${name}`, value)
    }
    return { url, status: response.status, html: await response.text(), headers: response.headers }
  }
  const follow = async (from: URL, init: RequestInit): Promise<Place> => {
    let place = await step(from, init)
    for (let steps = 0; steps < MOST_STEPS; steps += 1) {
      const next = nextOf(place)
      if (next === undefined) return place
      if (!inside(next.origin)) return { url: next, status: 0, html: '', headers: new Headers() }
      place = await step(next, {})
    }
    throw new Error('The browser was sent on and on')
  }
  return {
    cookies,
    open: (url) => follow(new URL(url), {}),
    send: (path, fields, headers = {}) =>
      follow(new URL(path, issuer), {
        method: 'POST',
        headers: {
          origin: issuer,
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/x-www-form-urlencoded',
          ...headers,
        },
        body: new URLSearchParams(fields).toString(),
      }),
  }
}

/** Returns where a page leads: by a redirect, or by the element `meta` after a form. */
function nextOf({ url, headers, html }: Place): URL | undefined {
  const location = headers.get('location') ?? /http-equiv="refresh" content="0; url=([^"]+)"/.exec(html)?.[1]
  return location === undefined || location === null ? undefined : new URL(plain(location), url)
}

/** Returns the hidden fields of the form on a page. */
export function fieldsOf({ html }: Place): Record<string, string> {
  const found = [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)]
  return Object.fromEntries(found.map(([, name = '', value = '']) => [name, plain(value)]))
}

function plain(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
