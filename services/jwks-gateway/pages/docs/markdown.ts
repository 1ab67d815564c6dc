import { escapeHtml } from '../escape-html.ts'

/** Returns the HTML of a description: paragraphs and lists, with code and strong text. */
export function blocks(text: string): string {
  return text
    .split(/\n{2,}/)
    .filter((block) => block.trim() !== '')
    .map(block)
    .join('\n')
}

/** Returns the HTML of a line with code and strong text. */
export function inline(text: string): string {
  return escapeHtml(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
}

/** Lines before a list are a paragraph. */
function block(text: string): string {
  const lines = text.split('\n')
  const items = lines.filter((line) => line.startsWith('- '))
  const others = lines.filter((line) => !line.startsWith('- ')).join(' ')
  const list = items.map((line) => `<li>${inline(line.slice(2))}</li>`).join('')
  return `${others === '' ? '' : `<p>${inline(others)}</p>`}${list === '' ? '' : `<ul>${list}</ul>`}`
}
