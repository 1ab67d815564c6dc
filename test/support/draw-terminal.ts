/** A line of a program's output, with its time in milliseconds after the start of the program. */
export interface TimedLine {
  readonly text: string
  readonly atMs: number
}

const FONT_PX = 13
/** The width of a character in the fonts below. The width of the picture depends on it. */
const CHARACTER_PX = FONT_PX * 0.605
const LINE_PX = 18
const MARGIN_PX = 20
const BAR_PX = 34
/**
 * How long the animation takes from the first line to the last, in seconds. This is longer than the run, because a
 * person reads more slowly than the program writes.
 */
const PLAY_S = 8
const BUTTONS = ['#ff5f57', '#febc2e', '#28c840']
const TITLE = /^ ?\d+\. /

/**
 * Draws a terminal in which a command has printed lines, as an SVG of plain text. Each line is dim at first, and gets
 * its full brightness at a time that is proportional to its time in the run. Dim lines are readable too. The picture
 * has its own background, so it looks the same on light and dark pages.
 */
export function drawTerminal(command: string, lines: readonly TimedLine[]): string {
  const rows = [{ text: `$ ${command}`, atMs: 0 }, { text: '', atMs: 0 }, ...lines]
  const columns = Math.max(...rows.map(({ text }) => text.length))
  const width = Math.ceil(columns * CHARACTER_PX + 2 * MARGIN_PX)
  const height = BAR_PX + rows.length * LINE_PX + MARGIN_PX
  const [firstMs = 0, lastMs = 0] = [lines[0]?.atMs, lines.at(-1)?.atMs]
  const delayS = (atMs: number) => ((atMs - firstMs) / Math.max(1, lastMs - firstMs)) * PLAY_S
  const texts = rows.flatMap(({ text, atMs }, row) => (text === '' ? [] : [drawRow(text, row, delayS(atMs))]))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escapeXml(command)}: what it prints, in a terminal</title>
<style>
text { font: ${FONT_PX}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #c9d1d9; white-space: pre }
.command { fill: #7ee787 }
.title { fill: #ffffff; font-weight: bold }
@media (prefers-reduced-motion: no-preference) {
  .later { animation: appear 0.2s both }
}
@keyframes appear { from { opacity: 0.6 } to { opacity: 1 } }
</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117" stroke="#30363d"/>
${BUTTONS.map((colour, index) => `<circle cx="${MARGIN_PX + 4 + index * 18}" cy="18" r="5" fill="${colour}"/>`).join('\n')}
${texts.join('\n')}
</svg>
`
}

function drawRow(text: string, row: number, delayS: number): string {
  const y = BAR_PX + (row + 1) * LINE_PX
  const kind = row === 0 ? 'command' : TITLE.test(text) ? 'title later' : 'later'
  const delay = row === 0 ? '' : ` style="animation-delay: ${(delayS + 0.5).toFixed(1)}s"`
  return `<text x="${MARGIN_PX}" y="${y}" class="${kind}"${delay} xml:space="preserve">${escapeXml(text)}</text>`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
