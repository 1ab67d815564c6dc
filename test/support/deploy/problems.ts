import { globSync } from 'node:fs'
import { join } from 'node:path'
import { composeProblems } from './compose.ts'
import { exampleProblems } from './examples.ts'
import { type ReadText, readYaml } from './files.ts'
import { kubernetesProblems } from './kubernetes.ts'
import { filesOf } from './kustomize.ts'
import { migrationProblems } from './migrations.ts'
import { monitoringProblems } from './monitoring.ts'

const ROOT = join(import.meta.dirname, '../../..')
const OVERLAYS = ['deploy/kubernetes/overlays/example', 'deploy/kubernetes/overlays/example-cloudnativepg'] as const

/** Lists the problems in deploy/ and in the migrations, one sentence each. */
export async function deployProblems(read: ReadText): Promise<readonly string[]> {
  const used = new Set(OVERLAYS.flatMap((overlay) => filesOf(read, overlay)))
  const unused = globSync('deploy/kubernetes/**/*.*', { cwd: ROOT }).filter((path) => !used.has(path))
  const examples = globSync('deploy/examples/*/*.yaml', { cwd: ROOT })
  const manifests = examples.filter((path) => path.includes('/kubernetes-'))
  // No schema of these is installed, so this only reads them.
  for (const path of examples) readYaml(read, path)
  return [
    ...unused.map((path) => `${path} is not part of a kustomization`),
    ...new Set((await Promise.all(OVERLAYS.map((overlay) => kubernetesProblems(read, overlay)))).flat()),
    ...composeProblems(read),
    ...migrationProblems(read),
    ...monitoringProblems(read),
    ...(await Promise.all(manifests.map((path) => exampleProblems(read, path)))).flat(),
  ]
}
