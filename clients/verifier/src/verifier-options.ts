import type { ReplayStore } from '@auth4agent/core/dpop/replay-memory'
import type { AttestationOptions } from './attestation-options.ts'
import type { Fetch } from './http.ts'
import type { IssuerOptions } from './issuer-options.ts'

/** A replay store that may know its size. */
export type Replays = ReplayStore & { readonly size?: number | undefined }

/** Options of {@link createVerifier} that are the same for all issuers. Times are in seconds. */
export interface ServiceOptions {
  /** This service, as URLs or host names. A token must name one of them in `aud`. */
  readonly audience: string | readonly string[]
  /**
   * The address of this service as its clients know it (RFC 9728 `resource`), in normal form. A token may also name it
   * in `aud`. Refusals then name the address of the metadata, which `serveMetadata` serves.
   */
  readonly resource?: string | undefined
  /**
   * The URL below which clients send their requests: an origin, with the path prefix that a proxy removes, if any.
   * DPoP proofs must be for URLs below it. The default is the origin of `resource`, or of the audiences that are URLs
   * if they all have the same.
   */
  readonly publicUrl?: string | undefined
  /** By how much clocks may differ: 0 to 60; 10 by default. */
  readonly clockSkew?: number | undefined
  /** How many verified tokens are remembered; 20,000 by default. */
  readonly cacheSize?: number | undefined
  /** 'required' accepts only tokens that are bound to a key, each with a DPoP proof (RFC 9449). */
  readonly dpop?: 'required' | undefined
  /** A result of attestation that each token must state. It needs a list of operators. By default none. */
  readonly attestation?: AttestationOptions | undefined
  /**
   * Records the DPoP proofs that were used. The default is a memory of this process for 200,000 proofs. Several
   * processes of one service need a shared store, or each of them accepts a proof once. The metrics show its `size`.
   */
  readonly replays?: Replays | undefined
  /** Used instead of the platform's fetch. */
  readonly fetch?: Fetch | undefined
  /**
   * Called with each problem in the background, and with the issuer that has it. Without this option, `console.warn`
   * gets each different problem once per outage.
   */
  readonly onProblem?: ((error: unknown, issuer: string) => void) | undefined
}

/** Options of {@link createVerifier} for one issuer. Times are in seconds. */
export interface VerifierOptions extends ServiceOptions, IssuerOptions {}
