import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** A span as a collector gets it (opentelemetry/proto/trace/v1/trace.proto). */
export interface ExportedSpan {
  /** `service.name` of the process. */
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty for a span that begins its trace. */
  readonly parentId: string
  readonly name: string
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** Ids of the linked spans. */
  readonly links: readonly string[]
  /** Whether it counts as an error. */
  readonly isError: boolean
  readonly ms: number
}

/** The fields of a message by their numbers: bytes, or numbers. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint | number)[]>

/** Reads the spans of an ExportTraceServiceRequest. Throws for bytes that are no such message. */
export function readSpans(body: Uint8Array): readonly ExportedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const [resource] = messages(resourceSpans, 1)
    const { 'service.name': service = '' } = resource === undefined ? {} : attributesOf(resource, 1)
    return messages(resourceSpans, 2).flatMap((scope) =>
      messages(scope, 2).map((span) => toSpan(span, String(service))),
    )
  })
}

function toSpan(span: Fields, service: string): ExportedSpan {
  const [status] = messages(span, 15)
  return {
    service,
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentId: hex(span, 4),
    name: text(span, 5),
    kind: Number(span.get(6)?.[0] ?? 0),
    attributes: attributesOf(span, 9),
    links: messages(span, 13).map((link) => hex(link, 2)),
    isError: status !== undefined && Number(status.get(3)?.[0] ?? 0) === 2,
    ms: Number((span.get(8)?.[0] as bigint) - (span.get(7)?.[0] as bigint)) / 1e6,
  }
}

function attributesOf(message: Fields, number: number): Record<string, string | number | boolean> {
  return Object.fromEntries(
    messages(message, number).map((pair) => {
      const [value] = messages(pair, 2)
      return [text(pair, 1), value === undefined ? '' : anyValue(value)]
    }),
  )
}

function anyValue(value: Fields): string | number | boolean {
  if (value.has(2)) return value.get(2)?.[0] === 1n
  const number = value.get(3)?.[0] ?? value.get(4)?.[0]
  return number === undefined ? text(value, 1) : Number(number)
}

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, (Uint8Array | bigint | number)[]>()
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    const values = fields.get(number) ?? []
    fields.set(number, values)
    if (type === WireType.LengthDelimited) values.push(reader.bytes())
    else if (type === WireType.Varint) values.push(BigInt(reader.uint64()))
    else if (type === WireType.Bit64) values.push(number === 4 ? reader.double() : BigInt(reader.fixed64()))
    else values.push(reader.fixed32())
  }
  return fields
}

function messages(message: Fields, number: number): readonly Fields[] {
  return (message.get(number) ?? []).map((value) => fieldsOf(value as Uint8Array))
}

function text(message: Fields, number: number): string {
  return Buffer.from((message.get(number)?.[0] as Uint8Array | undefined) ?? []).toString()
}

function hex(message: Fields, number: number): string {
  return Buffer.from((message.get(number)?.[0] as Uint8Array | undefined) ?? []).toString('hex')
}
