/** The parts of an OpenAPI 3.1 document that the page shows. */
export interface OpenApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, { readonly description: string }>>
    readonly parameters: Readonly<Record<string, Parameter>>
    readonly responses: Readonly<Record<string, Response>>
    readonly schemas: Readonly<Record<string, Schema>>
  }
}

/** One call. */
export interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly 'x-callers': string
  readonly 'x-rpc'?: string
  readonly security: readonly Readonly<Record<string, unknown>>[]
  readonly parameters?: readonly (Parameter | Reference)[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, Response | Reference>>
}

/** A parameter in a path, a query or a header. */
export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema: Schema
  readonly example?: unknown
}

/** The answer with one status. */
export interface Response {
  readonly description: string
  readonly content?: Content
  readonly 'x-reasons'?: readonly string[]
}

/** What a body can be, by media type. */
export type Content = Readonly<Record<string, MediaContent>>

/** A body of one media type. */
interface MediaContent {
  readonly schema: Schema
  readonly example?: unknown
  /** For a stream: the data of each event by its name. */
  readonly 'x-events'?: Readonly<Record<string, Schema>>
}

/** A reference to a component. */
export interface Reference {
  readonly $ref: string
}

/** The part of JSON Schema 2020-12 that the document uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly contentEncoding?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly const?: unknown
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

const METHODS = ['get', 'put', 'post', 'patch', 'delete']

/** A call with its method and path. */
export interface Call {
  readonly verb: string
  readonly path: string
  readonly operation: Operation
}

/** Returns all calls of a document. */
export function callsOf({ paths }: OpenApiDocument): readonly Call[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((verb) => {
      const operation = item[verb]
      return operation === undefined ? [] : [{ verb: verb.toUpperCase(), path, operation }]
    }),
  )
}

/** Returns the name of the component that a reference points to. */
export function referenced({ $ref }: Reference): string {
  return $ref.slice($ref.lastIndexOf('/') + 1)
}
