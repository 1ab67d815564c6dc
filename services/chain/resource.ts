import type { Message } from '@bufbuild/protobuf'
import type { ApiError } from '../platform/errors/api-error.ts'

/** A media type that can be answered. */
export interface MediaType {
  readonly type: string
  readonly subtype: string
  /** The `profile` parameter that makes it this representation. */
  readonly profile?: string
}

/** An answer in a representation: a status and JSON text. */
export interface Represented {
  readonly status: number
  readonly body: string
}

/** One way beside plain JSON in which a method's answer can be asked for. */
export interface Representation {
  readonly mediaType: MediaType
  readonly success: (output: Message) => Represented
  /** How a refusal looks; undefined leaves it to the problem document. */
  readonly failure: (error: ApiError) => Represented | undefined
}

/** What a method's answer is, beyond what the contract can say. */
export interface Resource {
  /** Whether scripts of any origin may read it. */
  readonly isCrossOrigin: boolean
  readonly representations: readonly Representation[]
}

/** Resources by the full name of their method, `package.Service/Method`. */
export type Resources = Readonly<Record<string, Resource>>
