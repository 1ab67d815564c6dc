import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'

/** The comments of the proto files, by full names: `auth4agent.v1.Message.field`. */
export type Comments = ReadonlyMap<string, string>

const PACKAGE = 'auth4agent.v1'
/** Field numbers in descriptor.proto, which a path in the source information consists of. */
const [FILE_MESSAGES, FILE_SERVICES] = [4, 6]
const [MESSAGE_FIELDS, MESSAGE_MESSAGES] = [2, 3]
const SERVICE_METHODS = 2
const LIST_ITEM = /^(?:[-*|]|\d+\.) /

/**
 * Reads the comments before messages, fields, services and methods. The generated TypeScript has no comments in its
 * descriptors, so buf reads the proto files.
 */
export function readComments(root: string): Comments {
  const image = execFileSync(
    join(root, 'node_modules/.bin/buf'),
    ['build', 'proto', '--as-file-descriptor-set', '-o', '-'],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 },
  )
  const { file } = fromBinary(FileDescriptorSetSchema, image)
  return new Map(file.filter((each) => each.package === PACKAGE).flatMap(commentsOf))
}

function commentsOf(file: FileDescriptorProto): [string, string][] {
  return (file.sourceCodeInfo?.location ?? []).flatMap(({ path, leadingComments }): [string, string][] => {
    const name = leadingComments === '' ? undefined : nameAt(file, path)
    return name === undefined ? [] : [[`${PACKAGE}.${name}`, paragraphs(leadingComments)]]
  })
}

/** Returns the name of a message, a field, a service or a method without its package. */
function nameAt(file: FileDescriptorProto, [kind, index = 0, ...rest]: readonly number[]): string | undefined {
  if (kind === FILE_MESSAGES) return nameInMessage(file.messageType[index], rest)
  if (kind !== FILE_SERVICES) return undefined
  const service = file.service[index]
  if (rest.length === 0) return service?.name
  const [part, method = 0] = rest
  return part === SERVICE_METHODS && rest.length === 2 ? `${service?.name}.${service?.method[method]?.name}` : undefined
}

function nameInMessage(message: DescriptorProto | undefined, path: readonly number[]): string | undefined {
  if (message === undefined || path.length === 0) return message?.name
  const [part, index = 0, ...rest] = path
  const inner =
    part === MESSAGE_MESSAGES
      ? nameInMessage(message.nestedType[index], rest)
      : part === MESSAGE_FIELDS && rest.length === 0
        ? message.field[index]?.name
        : undefined
  return inner === undefined ? undefined : `${message.name}.${inner}`
}

/** Joins the lines of each paragraph. Lists keep their lines. */
function paragraphs(comment: string): string {
  const lines = comment.split('\n').map((line) => line.trim())
  return lines
    .reduce((text, line) => (line === '' ? `${text}\n\n` : `${text}${separator(text, line)}${line}`), '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

function separator(text: string, line: string): string {
  if (text === '' || text.endsWith('\n')) return ''
  return LIST_ITEM.test(line) ? '\n' : ' '
}
