import { isDateAlone, isTimeOfDay } from './date-and-time.js'
import { timestampKind } from './timestamp-form.js'

/** Some rows of a file, by column. */
export type Sample = ReadonlyMap<string, readonly (string | null)[]>

/** Which columns hold what, as far as their names and values tell. */
export interface ProposedColumns {
  readonly identity: string | undefined
  readonly variant: string | undefined
  /** One column, or two as `date+time`. */
  readonly timestamp: string | undefined
  /** A column with the name of a timestamp whose values cannot be read as such, if no column can. */
  readonly unreadTimestamp: string | undefined
  /** The column that names the experiment, if the rows are of several. */
  readonly feature: { readonly column: string; readonly experiments: readonly string[] } | undefined
  /** Whether the rows seem to be counts of identities, not exposures of them. */
  readonly areCounts: boolean
}

const names = {
  identity: [
    /^(user|visitor|customer|client|account|member|person|player|device|anonymous|distinct|subject|unit|entity|profile|contact|subscriber|auction|cookie)_?(id|key|uuid|hash|pseudo_id)?$/,
    /^(uid|uuid|guid|id|identifier|identity|identity_id|randomization_unit|email|participant(_?id)?)$/,
    /(user|visitor|customer|client|account|device).*id$/,
    /^session_?(id)?$/,
    /id$/,
  ],
  variant: [
    /^(variant|variation|arm|treatment|group|test_?group|ab_?group|experiment_?group|exp_?group|treatment_?group)(_?(id|key|name|type|label|code))?$/,
    /^(bucket|cohort|condition|assignment|assigned.*|branch|cell|split|version|segment|promotion|value)(_?(id|key|name))?$/,
    /(variant|variation|arm|group|treatment|treated)|^(is|in|was)_(test|control|treatment|exposed|experiment)$/,
    /^(experiment|test|campaign|page|landing_page)$/,
  ],
  timestamp: [
    /^(timestamp|ts|exposed_?at|exposure_?time(stamp)?|event_?time(stamp)?|occurred_?at|first_?seen|assigned_?at|client_?time)$/,
    /^(at|when|time|datetime|date_?time|created_?at|created|date|day|event_?date|server_?time|logged_?at)$/,
    /(time|date|_at$|_ts$|^ts_)/,
  ],
  feature: [
    /^(experiment|experiment_?(id|name|key)|test_?(id|name)|feature|feature_?(name|key|flag|id)|flag|flag_?(key|name|id)|campaign_?(id|name))$/,
    /^(experiment|test|campaign)$/,
  ],
} as const

const words =
  /^(control|ctrl|treatment|test|baseline|variant|variation|holdout|exposed|unexposed|placebo|default|original|new|old|on|off|enabled|disabled|true|false|psa|ad|[a-e]|[a-z]+[_ -]?(page|group|[0-9a-e]))([_ -]?[0-9a-z])?$/i

/** A column with more values names something else than experiments. */
export const mostExperiments = 50

/** Proposes columns from some of the rows. What the user said is kept. */
export function proposeColumns(
  sample: Sample,
  given: {
    readonly identity?: string | undefined
    readonly variant?: string | undefined
    readonly timestamp?: string | null | undefined
  },
): ProposedColumns {
  const columns = [...sample].map(([name, values]) => described(name, values))
  const taken = new Set<string | null | undefined>(Object.values(given))
  const best = (
    role: 'identity' | 'variant' | 'timestamp',
    score: (column: Described) => number,
  ): string | undefined => {
    if (given[role] !== undefined) return given[role] ?? undefined
    const [first] = columns
      .filter(({ name }) => !taken.has(name))
      .map((column) => ({ column, points: score(column) }))
      .filter(({ points }) => points > 0)
      .sort((a, b) => b.points - a.points)
    if (first === undefined) return undefined
    taken.add(first.column.name)
    return first.column.name
  }
  const timestamp = best('timestamp', timestampPoints)
  const variant = best('variant', variantPoints)
  const areCounts = given.identity === undefined && seemCounts(columns, taken, variant)
  const identity = areCounts
    ? undefined
    : (best('identity', identityPoints) ?? remaining(columns, taken, variant))
  taken.add(identity)
  const clock =
    timestamp === undefined || given.timestamp !== undefined
      ? undefined
      : clockBeside(columns, timestamp, taken)
  const unread = columns.find(
    ({ name, values }) =>
      !taken.has(name) &&
      values.length > 0 &&
      // An update_count is no time.
      ((rank('timestamp', name) ?? 2) < 2 ||
        (rank('timestamp', name) === 2 && values.every((value) => /[0-9][-/:.][0-9]/.test(value)))),
  )
  const feature = columns.find(
    ({ name, distinct }) =>
      !taken.has(name) &&
      rank('feature', name) !== undefined &&
      distinct.length > 1 &&
      distinct.length <= mostExperiments,
  )
  return {
    identity,
    variant,
    timestamp: clock === undefined ? timestamp : `${timestamp}+${clock}`,
    unreadTimestamp: timestamp === undefined && given.timestamp === undefined ? unread?.name : undefined,
    feature: feature === undefined ? undefined : { column: feature.name, experiments: feature.distinct },
    areCounts,
  }
}

/** Whether a column may say of which experiment a row is, by its name. */
export function mayNameExperiment(name: string): boolean {
  return rank('feature', name) !== undefined
}

/** Whether a column may have some role, by its name. */
export function mayHaveRole(name: string): boolean {
  return (['identity', 'variant', 'timestamp', 'feature'] as const).some(
    (role) => rank(role, name) !== undefined,
  )
}

interface Described {
  readonly name: string
  readonly values: readonly string[]
  /** The distinct values, the most frequent first. */
  readonly distinct: readonly string[]
}

function described(name: string, all: readonly (string | null)[]): Described {
  const values = all.filter((value): value is string => value !== null && value.trim() !== '')
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return { name, values, distinct: [...counts].sort((a, b) => b[1] - a[1]).map(([value]) => value) }
}

/** The place of a name among those of a role: 0 is the likeliest. The last part of a path counts too. */
function rank(role: keyof typeof names, name: string): number | undefined {
  const plain = (text: string): string =>
    text
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
      .replaceAll(/^_|_$/g, '')
  // DynamoDB writes the type of a value as the last part.
  const path = name.replace(/\.(S|N|BOOL)$/, '')
  const forms = [plain(path), plain(path.split('.').at(-1) ?? '')]
  const found = names[role].findIndex((pattern) => forms.some((form) => pattern.test(form)))
  return found === -1 ? undefined : found
}

/** The column of times of day that belongs to a column of dates. */
function clockBeside(
  columns: readonly Described[],
  date: string,
  taken: ReadonlySet<string | null | undefined>,
): string | undefined {
  if (columns.find(({ name }) => name === date)?.values.every(isDateAlone) !== true) return undefined
  const isHour = (value: string): boolean => /^([01]?[0-9]|2[0-3])$/.test(value.trim())
  return columns.find(
    ({ name, values }) =>
      !taken.has(name) &&
      values.length > 0 &&
      (values.every(isTimeOfDay) || (/^(hour|hr|stunde)s?$/i.test(name) && values.every(isHour))),
  )?.name
}

/**
 * Whether a table holds counts: a row for each variant, or a column for each. Numbers in a column that has the name of
 * an identity are identifiers, and not counts.
 */
function seemCounts(
  columns: readonly Described[],
  taken: ReadonlySet<string | null | undefined>,
  variant: string | undefined,
): boolean {
  const left = columns.filter(({ name }) => !taken.has(name))
  if (left.some(({ name }) => (rank('identity', name) ?? Infinity) < 4)) return false
  const numbers = left.filter(
    ({ values }) =>
      values.length > 0 &&
      values.every((value) => /^[0-9]+$/.test(value) || /^[0-9]{1,3}([,. ][0-9]{3})+$/.test(value)),
  )
  const arms = columns.find(({ name }) => name === variant)
  if (arms !== undefined) {
    return (
      arms.distinct.length > 1 &&
      arms.distinct.length === arms.values.length &&
      numbers.length === left.length &&
      left.length > 0
    )
  }
  const ofVariants = numbers.filter(
    ({ name, values }) => words.test(name) && values.some((value) => value.length > 1),
  )
  return ofVariants.length > 1
}

/** The only column left that has many more values than the variant, as identities have. */
function remaining(
  columns: readonly Described[],
  taken: ReadonlySet<string | null | undefined>,
  variant: string | undefined,
): string | undefined {
  const variants = columns.find(({ name }) => name === variant)?.distinct.length
  if (variants === undefined) return undefined
  const left = columns.filter(
    ({ name, distinct }) =>
      !taken.has(name) && distinct.length > 2 * variants && distinct.every(isIdentifier),
  )
  return left.length === 1 ? left[0]?.name : undefined
}

/** Whether a value may be an identifier: one word, and neither a fraction nor a time of day. */
function isIdentifier(value: string): boolean {
  return /^[\w@.:+/=-]+$/.test(value) && !/^-?[0-9]+[.,][0-9]+$/.test(value) && !isTimeOfDay(value)
}

function timestampPoints({ name, values }: Described): number {
  if (values.every(isTimeOfDay)) return 0
  const kinds = values.map((value) => timestampKind(value))
  const place = rank('timestamp', name)
  // Excel counts days, which are numbers of five digits now.
  const isSerial = place !== undefined && values.every((value) => /^[34][0-9]{4}([.,][0-9]+)?$/.test(value))
  const share = isSerial ? 0.9 : kinds.filter((kind) => kind !== undefined).length / values.length
  if (share < 0.5) return 0
  // A long number without the name of a time is rather an identifier.
  if (kinds.some((kind) => kind === 'epoch') && place === undefined) return 0
  return share * 10 + (place === undefined ? 0 : 10 - place)
}

function variantPoints({ name, values, distinct }: Described): number {
  if (values.length === 0 || distinct.length > Math.max(4, values.length / 2)) return 0
  const place = rank('variant', name)
  // Only a name that says it makes variants of many values.
  if (distinct.length > (place === 0 ? 200 : 30)) return 0
  const likely = distinct.filter((value) => words.test(value.trim())).length / distinct.length
  const hasControl = distinct.some((value) => /^(control|ctrl|baseline|placebo)/i.test(value.trim()))
  if (place === undefined && !hasControl) return 0
  const isYesNo = distinct.every((value) => /^(true|false|yes|no|0|1)$/i.test(value.trim()))
  return (
    (place === undefined ? 0 : 12 - 3 * place) +
    likely * 6 +
    (hasControl ? 8 : 0) +
    (distinct.length > 1 ? 2 : 0) -
    (isYesNo && place !== 0 ? 6 : 0)
  )
}

function identityPoints({ name, values, distinct }: Described): number {
  if (values.length === 0 || distinct.length < Math.min(2, values.length)) return 0
  const place = rank('identity', name)
  const variety = distinct.length / values.length
  const looksLike = values.every(isIdentifier)
  if (place === undefined && !(variety > 0.5 && looksLike && values.some((value) => value.length > 3)))
    return 0
  // A number for each row is the number of the row, not of the identity: another name wins over it.
  const isCounter =
    place === undefined ||
    (variety === 1 &&
      values.length > 2 &&
      values.every((value, index) => Number(value) - index === Number(values[0])))
  return (place === undefined ? 4 : 20 - 3 * place) + variety * 4 + (looksLike ? 2 : 0) - (isCounter ? 5 : 0)
}
