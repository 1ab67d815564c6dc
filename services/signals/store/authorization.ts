import type { KeyVault, Sealed } from '../../keys/index.ts'
import type { Stream } from './stream.ts'

/** Seals the Authorization header of a receiver for the row of its stream. */
export function sealAuthorization(vault: Pick<KeyVault, 'seal'>, streamId: string, header: string): Sealed {
  return vault.seal(Buffer.from(header), recordOf(streamId))
}

/** Opens the Authorization header of a receiver. Returns undefined if the receiver needs none. */
export function openAuthorization(
  vault: Pick<KeyVault, 'open'>,
  { id, authorization }: Pick<Stream, 'id' | 'authorization'>,
): string | undefined {
  if (authorization === undefined) return undefined
  return vault.open(authorization.wrapped, authorization.kekId, recordOf(id)).toString()
}

function recordOf(id: string): { readonly purpose: string; readonly id: string } {
  return { purpose: 'stream', id }
}
