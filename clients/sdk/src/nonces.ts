import { keepNewest } from '@auth4agent/core/platform/keep-newest'

/** The most servers whose nonces are kept. Beyond that, the least recently used nonce is removed. */
const MAX_NONCES = 100
/** The characters of a nonce (RFC 9449 section 8.1), with a limit, because a proof must fit into a header. */
const NONCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/

/** The newest DPoP nonces that servers gave (RFC 9449 sections 8 and 9). A nonce is only valid at its own server. */
export class Nonces {
  readonly #kept = new Map<string, string>()

  /** Returns the nonce of a server, or undefined if it has given none. */
  of(server: string): string | undefined {
    const nonce = this.#kept.get(server)
    if (nonce !== undefined) this.#keep(server, nonce)
    return nonce
  }

  /** Keeps a nonce of a server and returns it. Returns undefined if there is none, or if it is malformed. */
  learn(server: string, nonce: string | null): string | undefined {
    if (nonce === null || !NONCE.test(nonce)) return undefined
    this.#keep(server, nonce)
    return nonce
  }

  #keep(server: string, nonce: string): void {
    keepNewest(this.#kept, server, nonce, MAX_NONCES)
  }
}
