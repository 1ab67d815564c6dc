import { type ArgumentMap, UNNAMED } from '@auth4agent/core/delegation/constraint'
import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { constraintText, nameText } from './constraint-text.ts'

/** Tells how a grant is narrower than its parent, a line for each difference. */
export function narrowingText(child: Hop, parent: Hop): readonly string[] {
  const lost = [...parent.capabilities.keys()].filter((capability) => !child.capabilities.has(capability))
  const domains = parent.allowedDomains.filter((domain) => !child.allowedDomains.includes(domain))
  return [
    ...lost.map((capability) => `without ${capability}`),
    ...[...child.capabilities].flatMap(([capability, map]) =>
      narrowedArguments(map, parent.capabilities.get(capability) ?? map).map((line) => `${capability}: ${line}`),
    ),
    ...(child.maxDepth < parent.maxDepth
      ? [`may be handed on to depth ${child.maxDepth}, not ${parent.maxDepth}`]
      : []),
    ...(domains.length > 0 ? [`not to agents of ${domains.join(', ')}`] : []),
    ...(child.exp < parent.exp ? [`expires ${parent.exp - child.exp} s earlier`] : []),
  ]
}

function narrowedArguments(child: ArgumentMap, parent: ArgumentMap): readonly string[] {
  const lines: string[] = []
  for (const [name, { constraint, optional }] of child) {
    const limit = parent.get(name) ?? parent.get(UNNAMED)
    const [now, before] = [constraintText(constraint), limit && constraintText(limit.constraint)]
    if (now !== before) lines.push(`${nameText(name)} must be ${now}, not only ${before ?? 'absent'}`)
    if (!optional && name !== UNNAMED && parent.get(name)?.optional !== false)
      lines.push(`${nameText(name)} is required`)
  }
  for (const name of parent.keys()) {
    if (!child.has(name)) lines.push(name === UNNAMED ? 'no other arguments' : `without the argument ${nameText(name)}`)
  }
  return lines
}
