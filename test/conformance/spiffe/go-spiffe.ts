import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureInstalled } from '../../support/debian-package.ts'
import { ensureGo } from '../../support/go.ts'

const run = promisify(execFile)
/** Where Debian's packages of Go libraries are. */
const LIBRARIES = '/usr/share/gocode'
const SOURCE = join(import.meta.dirname, 'go-svids/main.go')

/** What the program makes. Bytes are in base64. */
interface GoSvids {
  readonly bundle: object
  readonly chain: readonly string[]
  /** PKCS #8. */
  readonly key: string
  readonly jwt: string
}

/** A program that uses go-spiffe. */
export interface GoSpiffe {
  make(audience: string): GoSvids
  /** Returns why go-spiffe refuses each chain; an empty text for a valid one. `now` is in Unix seconds. */
  judge(bundle: object, now: number, chains: readonly (readonly string[])[]): readonly string[]
  /** Removes the program. */
  remove(): Promise<void>
}

/** Builds the program with Debian's go-spiffe, which is installed first where it is missing. */
export async function buildGoSpiffe(): Promise<GoSpiffe> {
  const go = await ensureGo()
  await installLibrary()
  const folder = await mkdtemp(join(tmpdir(), 'go-svids-'))
  const source = join(folder, 'src/go-svids')
  await mkdir(source, { recursive: true })
  await copyFile(SOURCE, join(source, 'main.go'))
  // Without modules, Go finds versioned import paths only from a folder that looks like a module.
  await writeFile(join(source, 'go.mod'), 'module go-svids\n')
  const GOPATH = `${folder}:${LIBRARIES}`
  const env = { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPATH, GOCACHE: join(folder, 'cache') }
  const program = join(folder, 'go-svids')
  await run(go, ['build', '-o', program, '.'], { cwd: source, env })
  const call = (args: readonly string[], input: object) =>
    JSON.parse(execFileSync(program, args, { input: JSON.stringify(input), encoding: 'utf8' }))
  return {
    make: (audience): GoSvids => call(['make', audience], {}),
    judge: (bundle, now, chains): readonly string[] => call(['judge'], { bundle, now, chains }),
    remove: () => rm(folder, { recursive: true }),
  }
}

async function installLibrary(): Promise<void> {
  const library = 'golang-github-spiffe-go-spiffe-dev'
  await ensureInstalled({
    name: library,
    find: async () => existsSync(join(LIBRARIES, 'src/github.com/spiffe/go-spiffe/v2/spiffeid')) || undefined,
    missing: `${library} is missing: apt-get install ${library}`,
  })
}
