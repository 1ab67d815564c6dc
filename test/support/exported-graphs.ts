import type { ExportedEdge, ExportedGraph, ExportedNode } from '../../services/trust/graph/export/exported-graph.ts'

/** Makes a node whose label is its id. */
export function node(id: string, type: ExportedNode['type'] = 'operator'): ExportedNode {
  return { id, label: id, type }
}

/** Makes an edge from a sentence such as `cargo.io lets-call acme.com`. The sentence is also its id. */
export function exportedEdge(sentence: string, note?: string): ExportedEdge {
  const [from = '', kind = '', to = ''] = sentence.split(' ')
  return { id: sentence, kind, from, to, ...(note !== undefined && { note }) }
}

/** A small graph with every type of node. */
export const SMALL: ExportedGraph = {
  title: 'Trust around cargo.io',
  nodes: [
    node('cargo.io'),
    node('guild.org', 'group'),
    node('acme.com'),
    node('https://alpha.net', 'issuer'),
    node('https://beta.io/auth', 'deployment'),
  ],
  edges: [
    exportedEdge('https://beta.io/auth admits https://alpha.net'),
    exportedEdge('https://alpha.net speaks-for acme.com'),
    exportedEdge('cargo.io accepts-members-of guild.org', 'depth 1'),
    exportedEdge('guild.org member acme.com'),
    exportedEdge('cargo.io blocks acme.com'),
  ],
}

/** Texts that could become markup, code or other text, and how they must be shown. */
export const HOSTILE: readonly (readonly [name: string, text: string, shown: string])[] = [
  ['a script', '<script>alert(1)</script>', '<script>alert(1)</script>'],
  [
    'an end of the element',
    '</text></title><a href="javascript:alert(1)">x</a>',
    '</text></title><a href="javascript:alert(1)">x</a>',
  ],
  ['an attribute', '" onload="alert(1)', '" onload="alert(1)'],
  ['an attribute in single quotes', "' onload='alert(1)", "' onload='alert(1)"],
  ['brackets in brackets', '<<b>bold</b>>', '<<b>bold</b>>'],
  ['more attributes', '"]; n9 [URL="https://evil.example" label="', '"]; n9 [URL="https://evil.example" label="'],
  ['a backslash and a quote', '\\"] evil [label=\\"', '\\"] evil [label=\\"'],
  ['a backslash at the end', 'cargo.io\\', 'cargo.io\\'],
  ['letters after a backslash', '\\N \\G \\L \\n \\l', '\\N \\G \\L \\n \\l'],
  ['entities', '&lt;b&gt; &amp; &#60;', '&lt;b&gt; &amp; &#60;'],
  ['an entity that is declared nowhere', '&xxe;', '&xxe;'],
  ['a comment and a section', '--> ]]> <!-- <![CDATA[', '--> ]]> <!-- <![CDATA['],
  ['line breaks', 'a\nb\r\nc\u2028d', 'a\u{fffd}b\u{fffd}\u{fffd}c\u{fffd}d'],
  ['characters that XML forbids', 'a\0b\u0007c\ufffed', 'a\u{fffd}b\u{fffd}c\u{fffd}d'],
  ['half of a character', 'a\ud800b', 'a\u{fffd}b'],
  ['text from right to left', 'moc.\u202eemca\u200b', 'moc.\u{fffd}emca\u{fffd}'],
  ['a domain in Unicode', 'mañana-例え.example', 'mañana-例え.example'],
]

/** Returns a graph with a text in every place that shows one. */
export function hostileGraph(text: string): ExportedGraph {
  const nodes: readonly ExportedNode[] = [{ id: text, label: text, type: 'operator' }, node('other')]
  return { title: text, nodes, edges: [{ id: text, kind: text, from: text, to: 'other', note: text }] }
}
