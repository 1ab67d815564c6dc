import { readWorkloads } from './cluster.ts'
import { listAt, type ReadText, readYaml, textAt } from './files.ts'
import { rightsProblems } from './kubernetes.ts'
import { schemaProblems } from './kubernetes-schema.ts'

/** Lists the problems in the manifests of an example, one sentence each. */
export async function exampleProblems(read: ReadText, path: string): Promise<readonly string[]> {
  const resources = readYaml(read, path)
  const workloads = readWorkloads(resources)
  const schema = await Promise.all(resources.map(schemaProblems))
  const volumes = workloads.flatMap(({ name, pod, container }) => {
    const mounted = listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'name'))
    const made = listAt(pod, 'volumes').map((volume) => textAt(volume, 'name'))
    return mounted.join() === made.join() ? [] : [`${name} must mount exactly its volumes`]
  })
  const accounts = new Set(
    resources.filter(({ kind }) => kind === 'ServiceAccount').map((account) => textAt(account, 'metadata.name')),
  )
  const strangers = workloads.flatMap(({ name, pod }) => {
    const account = textAt(pod, 'serviceAccountName')
    return accounts.has(account) ? [] : [`${name}: the ServiceAccount ${account} does not exist`]
  })
  return [...schema.flat(), ...workloads.flatMap(rightsProblems), ...volumes, ...strangers].map(
    (problem) => `${path}: ${problem}`,
  )
}
