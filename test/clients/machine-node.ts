import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Returns the path of the Node that is installed on this machine: the first Node on PATH that is not from an npm
 * package. It may be older than the Node that runs the tests.
 */
export function machineNode(): string {
  const program = process.platform === 'win32' ? 'node.exe' : 'node'
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? process.execPath
}
