// `Code: 241. DB::Exception: …`, `Code: 999. Coordination::Exception: …`, `Poco::Exception. Code: 1000, e.code() = …`
const exception = /Code: (\d{1,4})(?:\. [\w:]*Exception\b|, (?:e\.code|type)\b)/

/** The number of the exception in a text of ClickHouse; the outermost one if they are nested. */
export function exceptionNumber(text: string): number | undefined {
  const [, number] = exception.exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}
