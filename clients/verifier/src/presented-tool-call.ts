import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'

/** A call of a tool that came with a chain of grants. */
export interface PresentedToolCall {
  /** The name of the tool. */
  readonly tool: string
  /** The address of the service, as its clients know it. The proof must name it in `aat_aud`. */
  readonly address: string
  /** The call proof (`aat-pop+jwt`), as it came; undefined if none came. */
  readonly proof: unknown
}

const NAMES: Names<PresentedToolCall> = { tool: true, address: true, proof: true }

/** Reads the option `toolCall`. Throws TypeError for other values. Accepts every proof, which the client has sent. */
export function readToolCall(value: unknown): PresentedToolCall {
  if (typeof value === 'object' && value !== null) {
    refuseUnknownNames('option of toolCall', value, NAMES)
    const { tool, address, proof }: { tool?: unknown; address?: unknown; proof?: unknown } = value
    if (typeof tool === 'string' && typeof address === 'string' && URL.canParse(address))
      return { tool, address, proof }
  }
  throw new TypeError('toolCall must be { tool, address, proof } with the name of the tool and the URL of the service')
}
