import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { childEnvironment } from './child-environment.ts'

const run = promisify(execFile)

/**
 * Returns a text that identifies the running process `pid`. A later process with the same pid has another text. It
 * contains boot, PID namespace and start tick on Linux, and the start time on other systems. On Windows the text is
 * empty, because only the existence of a process is known there. Returns undefined if no such process runs.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (!isRunning(pid)) return undefined
  if (process.platform === 'linux') return linuxIdentity(pid)
  if (process.platform === 'win32') return ''
  return psField(pid, 'lstart')
}

/** Returns the command line of process `pid`. Returns undefined on Windows, or if no such process runs. */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined
  if (process.platform !== 'linux') return psField(pid, 'command')
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text === '' ? undefined : text.replaceAll('\0', ' ').trimEnd()
}

/** Returns whether a process `pid` exists, also if it belongs to another user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function linuxIdentity(pid: number): Promise<string | undefined> {
  const [stat, boot, namespace] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  // The name in parentheses may contain blanks and parentheses, so fields are counted from its end (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined
  return `${boot.trim()} ${namespace} ${startTime}`
}

async function psField(pid: number, field: string): Promise<string | undefined> {
  const { stdout } = await run('ps', ['-o', `${field}=`, '-p', String(pid)], { env: childEnvironment() }).catch(() => ({
    stdout: '',
  }))
  return stdout.trim() === '' ? undefined : stdout.trim()
}
