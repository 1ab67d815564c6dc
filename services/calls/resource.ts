import type { Message } from '@bufbuild/protobuf'
import type { ApiError } from '../platform/errors/api-error.ts'

/** The media type of a representation. */
export interface MediaType {
  readonly type: string
  readonly subtype: string
  /** The required `profile` parameter. */
  readonly profile?: string
}

/** How an answer may be cached by everybody. */
export interface Cache {
  /** Entity tag, in quotation marks. */
  readonly tag: string
  readonly maxAgeS: number
}

/** An answer in a representation: status and text. Without `cache`, nobody may cache it. */
export interface Represented {
  readonly status: number
  readonly body: string
  readonly cache?: Cache
}

/** An alternative to plain JSON that a caller can request for the answer of a method. */
export interface Representation {
  readonly mediaType: MediaType
  /** Changes the request, if the method itself must make this representation. */
  readonly prepare?: (request: Message) => void
  readonly success: (output: Message) => Represented
  /** Converts an error. Returns undefined if the answer must be the problem document (RFC 9457). */
  readonly failure: (error: ApiError) => Represented | undefined
}

/** Properties of a method's answer that the contract cannot express. */
export interface Resource {
  /** Whether scripts of any origin may read the answer. */
  readonly isCrossOrigin: boolean
  readonly representations: readonly Representation[]
  /** Takes the place of plain JSON, for a method whose standard has its own form of answer. */
  readonly inPlaceOfJson?: Representation
}

/** Resources by the full name of their method, `package.Service/Method`. */
export type Resources = Readonly<Record<string, Resource>>
