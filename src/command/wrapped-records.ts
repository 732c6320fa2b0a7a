/**
 * Where the records of a text of JSON are, if it is one object around a list of them, as the answer of a web service is:
 * the keys that lead to the list, outermost first.
 *
 * @param isCut - whether the text goes on
 */
export function wrappedRecords(text: string, isCut: boolean): readonly string[] | undefined {
  if (isCut) {
    // An object of one line is a record with a list in it.
    const [firstLine = ''] = text.trimStart().split('\n', 1)
    const begun = /^\{\s*"([^"\\]+)"\s*:\s*\[\s*\{/.exec(text.trimStart())
    return begun?.[1] === undefined || parsed(firstLine) !== undefined ? undefined : [begun[1]]
  }
  return pathOf(parsed(text), 3)
}

function pathOf(value: unknown, depth: number): readonly string[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0) return undefined
  for (const [key, inner] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    if (Array.isArray(inner)) {
      if (inner.length > 1 && inner.every((each) => typeof each === 'object' && each !== null)) return [key]
      continue
    }
    const path = pathOf(inner, depth - 1)
    if (path !== undefined) return [key, ...path]
  }
  return undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
