import type { Signer } from '@auth4agent/sdk'

/** A configuration, and the signer of its key. The signer is undefined if the key file is missing or not valid. */
export interface Party<C> {
  readonly config: C
  readonly signer: Signer | undefined
}
