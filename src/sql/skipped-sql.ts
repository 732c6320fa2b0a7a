/** Quoted text, quoted names, heredocs and comments of SQL, in which no character has a meaning of its own. */
export const skippedSql: RegExp =
  /'(?:[^'\\]|\\[^]|'')*'|`(?:[^`\\]|\\[^]|``)*`|"(?:[^"\\]|\\[^]|"")*"|(?<![\w$])\$(\w*)\$[^]*?\$\1\$|(?:--|#[ !])[^\n]*|\/\*[^]*?\*\//g
