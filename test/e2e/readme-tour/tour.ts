import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../support/free-port.ts'
import { type Environment, type RunningServer, startServer } from '../../support/server.ts'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

/** A document whose blocks a test runs. */
type Document =
  | 'README.md'
  | 'clients/by-hand.md'
  | 'docs/delegation.md'
  | 'docs/examples/ssf-receiver/README.md'
  | 'docs/federation.md'
  | 'docs/identity.md'
  | 'docs/mcp.md'
  | 'docs/mcp-servers.md'
  | 'docs/moving.md'
  | 'docs/oauth.md'
  | 'docs/operations.md'
  | 'docs/operator-keys.md'
  | 'docs/signals.md'
  | 'docs/signing-keys.md'
  | 'docs/status-lists.md'

/** Reads a document of this checkout. */
export function readDocument(name: Document): Promise<string> {
  return readFile(join(ROOT, name), 'utf8')
}

/** Returns the blocks of one kind in a document, in order. */
export async function blocks(
  name: Document,
  kind:
    | 'sh'
    | 'sh backup'
    | 'sh grpc'
    | 'sh keys'
    | 'sh local'
    | 'sh policy'
    | 'sh push'
    | 'sh restore'
    | 'sh rfc9421'
    | 'sh tour'
    | 'ts'
    | 'ts mcp'
    | 'python mcp'
    | 'go mcp'
    | 'nginx mcp'
    | 'python',
): Promise<string[]> {
  return [...(await readDocument(name)).matchAll(/^ *```(\w+(?: \w+)?)\n([\s\S]*?)^ *```$/gm)].flatMap(
    ([, found, text]) => (found === kind && text !== undefined ? [text] : []),
  )
}

/** Stands for npm, because the tests use the packages that are installed. It prints how it was called. */
const NPM = 'npm() { echo "npm $*"; }'

/** A server with its own database, as `npm start` starts it, and an empty folder in which a reader works. */
export interface Tour {
  readonly server: RunningServer
  readonly folder: string
  /** Replaces the addresses in the documents by those of this server. */
  adapt(text: string): string
  /** Runs blocks in one shell and returns the output. Stops at the first failure. */
  paste(text: string): Promise<string>
  stop(): Promise<void>
}

/** Starts the server of a tour. */
export async function startTour(env: Environment = {}): Promise<Tour> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-tour-'))
  const port = await freePort()
  // If root runs this test, PostgreSQL runs as another user. That user must be able to enter the folder.
  await chmod(folder, 0o711)
  const server = await startServer({
    PORT: String(port),
    AUTH4AGENT_BASE_URL: `http://localhost:${port}`,
    AUTH4AGENT_DATA_DIR: join(folder, 'data'),
    ...env,
  })
  const adapt = (text: string) =>
    text
      .replaceAll('localhost:8080', `localhost:${port}`)
      .replaceAll('localhost:8081', server.grpcAddress)
      .replaceAll('$PWD/node_modules', join(ROOT, 'node_modules'))
      .replaceAll('node docs/', `node ${ROOT}/docs/`)
      .replaceAll('npx --yes @bufbuild/buf', join(ROOT, 'node_modules/.bin/buf'))
  return {
    server,
    folder,
    adapt,
    async paste(text) {
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', `${NPM}\n${adapt(text)}`], {
        cwd: folder,
        env: { ...process.env, HOME: folder, NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/auth4agent-tests') },
      })
      return stdout
    },
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true })
    },
  }
}
