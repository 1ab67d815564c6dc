import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from './child-process.ts'
import { ensureInstalled, findProgram } from './debian-package.ts'

const MISSING = 'The tests need nginx. Install it with "apt-get install nginx", or put it in your PATH.'
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** Starts a real nginx. `config` is the content of its `http` block. Resolves with a function that stops it. */
export async function startNginx(config: string): Promise<() => Promise<void>> {
  const command = await ensureInstalled({ name: 'nginx', find: () => findProgram('nginx'), missing: MISSING })
  const folder = await mkdtemp(join(tmpdir(), 'a4a-nginx-'))
  const paths = TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')
  const file = join(folder, 'nginx.conf')
  await writeFile(
    file,
    `daemon off; pid ${folder}/pid; error_log stderr notice; events {} http { access_log off; ${paths}\n${config}\n}\n`,
  )
  const args = ['-p', folder, '-e', 'stderr', '-c', file]
  const nginx = await startProgram({ name: 'nginx', command, args, isReady: /start worker process / })
  return async () => {
    await nginx.end('SIGTERM')
    await rm(folder, { recursive: true })
  }
}
