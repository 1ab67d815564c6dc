import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isRoot } from '../../services/embedded-postgres/account.ts'
import { ensureDatabase } from '../../services/embedded-postgres/cluster.ts'
import { type Program, type ProgramProcess, startProgram } from './child-process.ts'
import { createDataFolder } from './data-folder.ts'
import { freePort } from './free-port.ts'
import type { OwnPostgres } from './own-postgres.ts'
import { clusterUrl, createCluster, postgresProgram } from './postgres-cluster.ts'

/** A PostgreSQL whose data and write-ahead log are on a small disk that nothing else uses. */
export interface FullDiskPostgres extends OwnPostgres {
  /**
   * Fills the disk to the last byte. PostgreSQL may continue for a while with the space it has reserved, and may
   * crash.
   */
  fill(): Promise<void>
  /** Frees all of the space that `fill` has used. */
  free(): Promise<void>
}

const DISK_MIB = 192
const PIECE = Buffer.alloc(1024 * 1024)

/**
 * Starts a PostgreSQL on a tmpfs in its own mount namespace, so nothing stays mounted when this process ends.
 * Works only on Linux, as root or if users may create namespaces.
 * @throws Error that says what is missing on other systems.
 */
export async function startFullDiskPostgres(): Promise<FullDiskPostgres> {
  const data = await createDataFolder()
  const cluster = await createCluster(data.path)
  const mountPoint = join(data.path, 'disk')
  await mkdir(mountPoint)
  const disk = await mountDisk(mountPoint, cluster.folder)
  const onDisk = { ...cluster, folder: join(mountPoint, 'postgres') }
  const port = await freePort()
  const url = clusterUrl(cluster, port)
  const start = () => startProgram(disk.enter(postgresProgram(onDisk, port)))
  const ballast = join(disk.view, 'ballast')
  let server: ProgramProcess = await start()
  await ensureDatabase(url)
  return {
    url,
    fill: () => fill(ballast),
    free: () => rm(ballast, { force: true }),
    crash: () => server.end('SIGQUIT'),
    async restart() {
      await server.end('SIGQUIT')
      server = await start()
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    async remove() {
      server.thaw()
      await server.end('SIGQUIT')
      await disk.unmount()
      await data.remove()
    },
  }
}

/** A disk that only the processes of one mount namespace see. This process reaches it at `view`. */
interface Disk {
  readonly view: string
  /** Returns the program that starts `program` in the namespace, as `account` or as the user of this process. */
  enter(program: Program): Program
  unmount(): Promise<void>
}

const MOUNT = `mount -t tmpfs -o size=${DISK_MIB}m,mode=711 tmpfs "$1" && cp -a "$2" "$1/postgres" && echo mounted && exec cat`

/**
 * Mounts a small disk on `mountPoint` with a copy of the folder on it. The process that keeps the mount ends when its
 * standard input closes.
 */
async function mountDisk(mountPoint: string, folder: string): Promise<Disk> {
  const flags = isRoot() ? '-m' : '-Urm'
  const [command, ...args] = ['unshare', flags, 'sh', '-c', MOUNT, 'sh', mountPoint, folder] as const
  const holder = spawn(command, args, { stdio: 'pipe' })
  const complaint = text(holder.stderr)
  const mounted = await Promise.race([
    once(holder.stdout, 'data').then(() => true),
    once(holder, 'exit').then(
      () => false,
      () => false,
    ),
  ])
  if (!mounted) {
    const words = (await complaint).trim()
    throw new Error(
      'The tests of a full disk need Linux and the right to mount: run them as root, or allow unprivileged user ' +
        `namespaces (sysctl kernel.unprivileged_userns_clone=1). ${words}`,
    )
  }
  const { pid } = holder
  const namespace = ['-t', String(pid), '-m']
  return {
    view: `/proc/${pid}/root${mountPoint}`,
    enter: (program) => ({ ...program, ...enterNamespace(namespace, program) }),
    async unmount() {
      const exited = once(holder, 'exit')
      holder.stdin.end()
      await exited
    },
  }
}

/**
 * Returns a program that runs in the namespace. To enter the namespace needs rights with which PostgreSQL refuses to
 * run, so PostgreSQL runs as its own user there.
 */
function enterNamespace(namespace: readonly string[], { command, args, account }: Program): Partial<Program> {
  const as = account && ['-S', String(account.uid), '-G', String(account.gid)]
  const self = ['unshare', '-U', `--map-user=${process.getuid?.()}`, `--map-group=${process.getgid?.()}`]
  const user = as ?? ['-U', '--preserve-credentials', '--', ...self]
  return { command: 'nsenter', args: [...namespace, ...user, '--', command, ...args], account: undefined }
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'a')
  try {
    // The disk takes only a part of the last piece. The write after that fails.
    for (;;) await file.write(PIECE)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    await file.close()
  }
}
