import { sha256 } from '@noble/hashes/sha2.js'
import { epochMs, type Instant } from '../time/instant.js'
import { exposureSpec, type ExposureSpec } from './exposure-spec.js'

/**
 * Which question does an answer belong to? A short text that is the same exactly where the spec and the window's start
 * ask for the same count: in every process, on every host, in every later release.
 *
 * It covers everything in the spec that can change the answer: the environment, feature and events, the time zone, the
 * policy, the filters, and the source's table, columns, cluster and `final`, with the text and values of trusted SQL. The
 * order of the filters, of the values in `in` and `notIn`, and of the keys plays no part. These parts of the spec do not
 * enter, because the answer is the same with and without them:
 *
 * - `identityKey`: a hash of 128 bits tells identities apart as their text does
 * - `maxRows`: an answer beyond it is an error, never cut
 * - `breakdown`: the summary of the whole does not depend on it
 * - `source.rollup`: it holds the same exposures
 * - `source.shardedByIdentity`: it says where identities are counted, not which
 * - `source.columns.arrival`: only the ledger reads it
 * - `source.eventName`: only the default of `eventName`, which enters
 *
 * If one of these was wrong and you have corrected it, the stored answer stays until the next refresh, and a final one
 * for ever: remove it from the store. The end of the window does not enter either: the state keeps it beside each
 * answer.
 *
 * @param spec - made by `exposureSpec`
 * @param startedAt - the start of the window
 * @returns 32 hexadecimal digits: the first 128 bits of a SHA-256. Two different questions share them with a probability
 *   of 10⁻²¹ among 10⁹ questions. It is no secret, and says nothing about the spec
 * @throws {@link ExposureError} `invalid-spec`, `invalid-instant`
 *
 * @example
 * ```ts
 * import { exposureFingerprint, exposureSpec } from 'first-exposure'
 *
 * const spec = exposureSpec({ environmentKey: 'prod', featureName: 'checkout' })
 * const fingerprint = exposureFingerprint(spec, '2026-06-01T00:00:00Z')
 * fingerprint.length // => 32
 * exposureFingerprint({ ...spec, maxRows: 1000 }, Date.UTC(2026, 5, 1)) === fingerprint // => true
 * exposureFingerprint({ ...spec, timeZone: 'Europe/Madrid' }, Date.UTC(2026, 5, 1)) === fingerprint // => false
 * ```
 */
export function exposureFingerprint(spec: ExposureSpec, startedAt: Instant): string {
  const { identityKey: _k, maxRows: _m, breakdown: _b, filters, source, ...question } = exposureSpec(spec)
  const { rollup: _r, shardedByIdentity: _s, eventName: _e, columns, ...table } = source
  const { arrival: _a, ...read } = columns
  const asked = {
    ...question,
    filters: asSet(filters.map((filter) => ('column' in filter ? withListsAsSets(filter) : filter))),
    source: { ...table, columns: read },
    startMs: epochMs(startedAt, 'startedAt'),
  }
  const hash = sha256(new TextEncoder().encode(canonical(asked)))
  return Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** A filter whose lists are in one order, without repeats: `in` and `notIn` mind neither. */
function withListsAsSets(filter: object): object {
  return Object.fromEntries(
    Object.entries(filter).map(([field, value]) => [field, Array.isArray(value) ? asSet(value) : value]),
  )
}

function asSet(values: readonly unknown[]): readonly unknown[] {
  const byText = new Map(values.map((value) => [canonical(value), value]))
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}

/**
 * JSON with its keys in one order, without what is absent (`null`, `undefined`, an empty list). So a field that a later
 * release adds changes no fingerprint of the specs that do not use it: its default must be one of these.
 */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field != null && !(Array.isArray(field) && field.length === 0))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
}
