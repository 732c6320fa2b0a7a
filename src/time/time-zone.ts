import type { Check } from '../checks.js'

// Some engines also take an offset such as +02:00 for a zone, or names that only they know. ClickHouse knows neither.
const iana =
  /^(?!SystemV\/|(?:A[CES]T|AGT|ART|B[ES]T|C[ANS]T|CTT|E[AC]T|I[ES]T|JST|MIT|N[ES]T|P[LNRS]T|SST|VST)$)[A-Z]/

/** The name of an IANA zone, in its own letter case, because ClickHouse minds that. */
export const aTimeZone: Check<string> = (value, path, refuse) => {
  const name = typeof value === 'string' ? value : ''
  const canonical = canonicalTimeZone(name)
  if (canonical !== name && canonical?.toLowerCase() === name.toLowerCase()) {
    throw refuse(path, value, `Write it ${canonical}: ClickHouse minds the case.`)
  }
  if (canonical !== undefined && iana.test(name)) return name
  throw refuse(path, value, "Pass an IANA name such as 'UTC' or 'Europe/Madrid'.")
}

/** The platform's name of the zone; undefined for a text that it does not know. */
export function canonicalTimeZone(timeZone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
