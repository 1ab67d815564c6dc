/** Splits a migration into statements, each with the comments above it. Semicolons within $$ do not count. */
export function statementsOf(sql: string): string[] {
  const parts = sql.split('$$')
  return parts
    .map((part, index) => (index % 2 === 0 ? part.replaceAll(/;[^\S\n]*$/gm, ';\0') : part))
    .join('$$')
    .split(';\0')
}

/** Returns a statement in one line, without comments and without the semicolon. */
export function textOf(statement: string): string {
  return statement
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/\s*;$/, '')
}

const NAME = String.raw`(?:ONLY )?(?:IF EXISTS )?(?:"?\w+"?\.)?("?\w+"?)`
/** Statements that change one table, which they name. */
const OF_TABLE = [
  new RegExp(`^CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(?:\\S+ )?ON ${NAME}`, 'i'),
  new RegExp(`^(?:ALTER TABLE|INSERT INTO|UPDATE|DELETE FROM|TRUNCATE(?: TABLE)?|DROP TABLE) ${NAME}`, 'i'),
  new RegExp(`^(?:CLUSTER|VACUUM(?: FULL)?|REINDEX TABLE) ${NAME}`, 'i'),
]

/** Returns the table that a statement changes, as the statement writes its name. */
export function tableOf(text: string): string | undefined {
  return OF_TABLE.map((pattern) => pattern.exec(text)?.[1]).find((name) => name !== undefined)
}

const ALTER_TABLE = new RegExp(`^ALTER TABLE ${NAME} `, 'i')

/** Returns the clauses of ALTER TABLE; or the statement, if it is another one. */
export function clausesOf(text: string): string[] {
  const head = ALTER_TABLE.exec(text)?.[0]
  if (head === undefined) return [text]
  const clauses = ['']
  let depth = 0
  for (const token of text.slice(head.length).match(/'(?:[^']|'')*'|"[^"]*"|[^'"]/g) ?? []) {
    if (token === '(') depth += 1
    if (token === ')') depth -= 1
    if (token === ',' && depth === 0) clauses.push('')
    else clauses.push(`${clauses.pop() ?? ''}${token}`)
  }
  return clauses.map((clause) => clause.trim())
}
