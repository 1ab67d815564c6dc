import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildClients, PACKAGES } from '../../clients/build.ts'

const ROOT = join(import.meta.dirname, '../..')
const BINARIES = join(ROOT, 'node_modules/.bin')
const run = promisify(execFile)

/** Dependencies of the packages. installPackages packs these too, so the installation needs no registry. */
const DEPENDENCIES = ['@noble/ed25519', '@noble/hashes', '@scure/base']
/** A folder with the oldest versions that the packages work with. */
export const OLDEST = join(ROOT, 'clients/oldest/node_modules')

/** A package as `npm pack` describes it. */
interface Packed {
  readonly name: string
  /** Size of the tarball in bytes. */
  readonly size: number
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** The members of package.json that the tests read. */
interface Manifest {
  readonly exports?: Readonly<Record<string, unknown>>
  readonly homepage?: string
  readonly keywords?: readonly string[]
}

/** An empty project with the published packages installed. */
export interface Installed extends AsyncDisposable {
  readonly packed: readonly Packed[]
  /**
   * Runs a program by its path, a program of `node_modules/.bin`, or the tests' own Node. Resolves with the standard
   * output of the program. If the program fails, rejects with everything that it wrote.
   */
  run(program: string, ...args: string[]): Promise<string>
  write(name: string, text: string): Promise<void>
  /** Reads the package.json of an installed package. */
  manifest(name: string): Promise<Manifest>
  /** Links packages of this repository into the project, as if they were installed. */
  lend(...names: string[]): Promise<void>
  /** Links a folder into the project under another name. */
  lendAs(name: string, folder: string): Promise<void>
}

/** Builds, packs and installs all packages. */
export async function installPackages(): Promise<Installed> {
  const home = await mkdtemp(join(tmpdir(), 'a4a-packages-'))
  const project = join(home, 'project')
  const env = { ...process.env, PATH: [join(project, 'node_modules/.bin'), BINARIES, process.env.PATH].join(delimiter) }
  const inProject = async (program: string, ...args: string[]) =>
    (await run(program, args, { cwd: project, env, shell: process.platform === 'win32' })).stdout
  const lendAs = async (name: string, folder: string) => {
    const place = join(project, 'node_modules', name)
    await mkdir(dirname(place), { recursive: true })
    await symlink(folder, place, 'junction')
  }
  const write = (name: string, text: string) => writeFile(join(project, name), text)
  try {
    await mkdir(project)
    await write('package.json', JSON.stringify({ name: 'project', private: true, type: 'module' }))
    buildClients((name) => join(home, name))
    const folders = [
      ...PACKAGES.map((name) => join(home, name)),
      ...DEPENDENCIES.map((name) => join(ROOT, 'node_modules', name)),
    ]
    const told = await inProject('npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', home, ...folders)
    const packed: readonly Packed[] = JSON.parse(told)
    const quick = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund']
    await inProject('npm', 'install', ...quick, ...packed.map(({ filename }) => join(home, filename)))
    return {
      packed: packed.filter(({ name }) => !DEPENDENCIES.includes(name)),
      run: inProject,
      write,
      manifest: async (name) => JSON.parse(await readFile(join(project, 'node_modules', name, 'package.json'), 'utf8')),
      lendAs,
      async lend(...names) {
        for (const name of names) await lendAs(name, join(ROOT, 'node_modules', name))
      },
      [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
    }
  } catch (error) {
    await rm(home, { recursive: true })
    throw error
  }
}
