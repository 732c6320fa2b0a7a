/**
 * Quoted text, quoted names, heredocs and comments of SQL, in which no character has a meaning of its own. They are
 * delimited as ClickHouse's lexer delimits them: curly quotes quote too, and a comment may hold another one.
 */
export const skippedSql: RegExp = /* @__PURE__ */ anyOf(
  /'(?:[^'\\]|\\[^]|'')*'/,
  /`(?:[^`\\]|\\[^]|``)*`/,
  /"(?:[^"\\]|\\[^]|"")*"/,
  /‘[^’]*’/,
  /“[^”]*”/,
  /(?<![\w$])(?<heredoc>\$\w*\$)[^]*?\k<heredoc>/,
  /(?:--|#[ !]|\/\/)[^\n]*/,
  /\/\*(?:[^*/]|\*(?!\/)|\/(?!\*)|\/\*[^]*?\*\/)*\*\//,
)

function anyOf(...patterns: readonly RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => source).join('|'), 'g')
}
