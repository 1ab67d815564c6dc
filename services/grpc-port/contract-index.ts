import type { DescEnum, DescExtension, DescFile, DescMessage, DescService } from '@bufbuild/protobuf'
import { nestedTypes } from '@bufbuild/protobuf/reflect'

/** The parts of the proto files, by name. */
export interface ContractIndex {
  readonly services: readonly string[]
  readonly files: ReadonlyMap<string, DescFile>
  /** The file that declares a symbol. */
  readonly symbols: ReadonlyMap<string, DescFile>
  /** The files that extend a message, by the number of the extension. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescFile>>
}

/** Makes the index of the files of these services and of all their imports. */
export function indexContract(services: readonly DescService[]): ContractIndex {
  const files = new Map<string, DescFile>()
  for (const { file } of services) for (const each of withImports(file)) files.set(each.proto.name, each)
  const symbols = new Map<string, DescFile>()
  const extensions = new Map<string, Map<number, DescFile>>()
  for (const file of files.values()) {
    for (const type of nestedTypes(file)) {
      for (const name of [type.typeName, ...memberNames(type)]) symbols.set(name, file)
      if (type.kind !== 'extension') continue
      const ofMessage = extensions.get(type.extendee.typeName) ?? new Map<number, DescFile>()
      extensions.set(type.extendee.typeName, ofMessage.set(type.number, file))
    }
  }
  return { services: services.map(({ typeName }) => typeName), files, symbols, extensions }
}

/** Returns a file and all its imports, direct and indirect. */
export function withImports(file: DescFile): ReadonlySet<DescFile> {
  const found = new Set([file])
  // The loop over a set also visits the elements that the loop itself adds.
  for (const each of found) for (const imported of each.dependencies) found.add(imported)
  return found
}

/** Returns the full names of a type's members. A value of an enum belongs to the scope around the enum. */
function memberNames(type: DescMessage | DescEnum | DescExtension | DescService): readonly string[] {
  if (type.kind === 'message') return [...type.fields, ...type.oneofs].map(({ name }) => `${type.typeName}.${name}`)
  if (type.kind === 'service') return type.methods.map(({ name }) => `${type.typeName}.${name}`)
  if (type.kind === 'enum') {
    const scope = type.typeName.slice(0, type.typeName.lastIndexOf('.') + 1)
    return type.values.map(({ name }) => `${scope}${name}`)
  }
  return []
}
