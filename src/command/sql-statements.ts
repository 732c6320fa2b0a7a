import { didYouMean } from './did-you-mean.js'
import {
  crossoversQuery,
  exposedIdentitiesQuery,
  exposureLedgerQuery,
  exposuresBreakdownQuery,
  exposureSpec,
  exposureWindow,
  firstExposuresBatchQuery,
  firstExposuresQuery,
  identityTimelineQuery,
  overlapQuery,
  overlapsQuery,
  type ExposureSpec,
  type ExposureSpecInput,
  type ExposureWindow,
  type Instant,
} from '../index.js'
import {
  rollupAudit,
  rollupBackfill,
  rollupErasure,
  rollupMigration,
  rollupSchema,
  type RollupSchemaInput,
} from '../rollup/index.js'
import { ReportError } from './report-error.js'
import { listed } from './words.js'

/** What a statement is made from: the fields of a spec in JSON. Which ones it needs depends on the statement. */
export interface SqlInput {
  readonly spec?: ExposureSpecInput
  readonly window?: { readonly start: Instant; readonly asOf: Instant }
  readonly options?: object
  readonly identity?: string
  readonly experiments?: readonly { readonly spec: ExposureSpecInput; readonly window?: SqlInput['window'] }[]
  readonly rollup?: RollupSchemaInput
  readonly days?: readonly string[]
  /** The table of a rollup of 0.1. */
  readonly from?: string
  readonly identities?: readonly string[]
}

/** A statement and its values, as any function of the library returns it. */
export type PrintedStatement = Pick<ReturnType<typeof firstExposuresQuery>, 'query' | 'query_params'> & {
  readonly format?: string
}

/** One statement that can be printed, or several that belong together. */
export interface SqlStatement {
  /** What it answers or does, for the help. */
  readonly summary: string
  readonly needs: readonly (keyof SqlInput)[]
  readonly takes?: readonly (keyof SqlInput)[]
  /** The fields of `options` that it takes. */
  readonly options?: readonly string[]
  readonly make: (input: Input) => PrintedStatement | readonly PrintedStatement[]
}

/** The fields of an input, each checked when it is read. */
interface Input {
  readonly spec: () => ExposureSpec
  readonly window: () => ExposureWindow
  readonly options: object
  readonly given: <Field extends keyof SqlInput>(field: Field) => NonNullable<SqlInput[Field]>
}

const asked = ['spec', 'window'] as const

/** Every statement of the library, by the name that the command gives it. */
export const sqlStatements: Readonly<Record<string, SqlStatement>> = {
  summary: {
    summary: 'how many identities entered, by variant and bucket',
    needs: asked,
    options: ['partition'],
    make: ({ spec, window, options }) => firstExposuresQuery(spec(), window(), options),
  },
  'exposed-identities': {
    summary: 'who entered: one row for each identity',
    needs: asked,
    options: ['dimensions', 'partition', 'prefix'],
    make: ({ spec, window, options }) => exposedIdentitiesQuery(spec(), window(), options),
  },
  ledger: {
    summary: 'where every event went',
    needs: asked,
    options: ['latenessMs'],
    make: ({ spec, window, options }) => exposureLedgerQuery(spec(), window(), options),
  },
  crossovers: {
    summary: 'who was in two variants, from which to which',
    needs: asked,
    make: ({ spec, window }) => crossoversQuery(spec(), window()),
  },
  breakdown: {
    summary: 'the summary for each of the largest values of a column',
    needs: asked,
    make: ({ spec, window }) => exposuresBreakdownQuery(spec(), window()),
  },
  timeline: {
    summary: "one identity's events, and why it is counted or not",
    needs: [...asked, 'identity'],
    options: ['limit'],
    make: ({ spec, window, given, options }) =>
      identityTimelineQuery(spec(), window(), given('identity'), options),
  },
  batch: {
    summary: 'the summaries of many experiments, in one pass',
    needs: ['experiments'],
    takes: ['window'],
    make: ({ given, window }) => {
      const experiments = given('experiments')
      if (
        (given('window') as unknown) !== undefined &&
        experiments.length > 0 &&
        experiments.every(({ window: own }) => own !== undefined)
      )
        throw new ReportError('batch has no use for "window": each of the experiments has its own')
      return firstExposuresBatchQuery(
        experiments.map(({ spec, window: own }) => ({
          spec: exposureSpec(spec),
          window: own === undefined ? window() : exposureWindow(own.start, own.asOf),
        })),
      )
    },
  },
  overlap: {
    summary: 'which identities two experiments share',
    needs: ['experiments', 'window'],
    make: ({ given, window }) => {
      const [one, other, ...more] = specsOf('overlap', given('experiments'))
      if (one === undefined || other === undefined || more.length > 0)
        throw new ReportError('overlap is about two experiments; overlaps takes 2 to 50')
      return overlapQuery(one, other, window())
    },
  },
  overlaps: {
    summary: 'the same for each pair of up to 50 experiments',
    needs: ['experiments', 'window'],
    make: ({ given, window }) => overlapsQuery(specsOf('overlaps', given('experiments')), window()),
  },
  'rollup-create': {
    summary: 'creates a rollup, and the view that fills it',
    needs: ['rollup'],
    make: ({ given }) => rollupSchema(given('rollup')).create,
  },
  'rollup-days': {
    summary: 'the days that have events to fill it with',
    needs: ['rollup'],
    make: ({ given }) => rollupSchema(given('rollup')).days,
  },
  'rollup-backfill': {
    summary: 'fills it with the events of some days',
    needs: ['rollup', 'days'],
    make: ({ given }) => rollupBackfill(rollupSchema(given('rollup')), given('days')),
  },
  'rollup-migrate': {
    summary: 'makes it from a rollup of version 0.1',
    needs: ['rollup', 'from'],
    make: ({ given }) => rollupMigration(given('rollup'), given('from')),
  },
  'rollup-erase': {
    summary: 'erases identities from the events and from it',
    needs: ['rollup', 'identities'],
    make: ({ given }) => rollupErasure(rollupSchema(given('rollup')), given('identities')),
  },
  'rollup-drop': {
    summary: 'drops the view and the rollup',
    needs: ['rollup'],
    make: ({ given }) => rollupSchema(given('rollup')).drop,
  },
  'rollup-audit': {
    summary: 'where a rollup differs from the events',
    needs: asked,
    make: ({ spec, window }) => rollupAudit(spec(), window()),
  },
}

/** The specs of experiments that are asked about in one window. */
function specsOf(name: string, experiments: NonNullable<SqlInput['experiments']>): ExposureSpec[] {
  const at = experiments.findIndex(({ window }) => window !== undefined)
  if (at !== -1)
    throw new ReportError(
      `${name} has no use for "experiments[${at}].window": who is in two experiments is asked in one window, "window"`,
    )
  return experiments.map(({ spec }) => exposureSpec(spec))
}

/** The statements that an input asks for. Throws an `ExposureError`, or a `ReportError` about the fields themselves. */
export function madeStatements(name: string, input: SqlInput): readonly PrintedStatement[] {
  const statement = Object.hasOwn(sqlStatements, name) ? sqlStatements[name] : undefined
  const meant = didYouMean(name, Object.keys(sqlStatements))
  if (statement === undefined)
    throw new ReportError(
      `there is no statement ${JSON.stringify(name.slice(0, 60))}${meant === undefined ? '' : ` (did you mean ${meant}?)`}; the statements are ${Object.keys(sqlStatements).join(', ')}`,
    )
  const { needs, takes = [], options = [] } = statement
  const fields = Object.keys(input) as (keyof SqlInput)[]
  const missing = needs.filter((field) => input[field] === undefined)
  if (missing.length > 0)
    throw new ReportError(`${name} needs ${listed(missing.map((field) => `"${field}"`))}`)
  for (const field of fields) {
    if (input[field] === undefined || [...needs, ...takes].includes(field)) continue
    if (field !== 'options' || options.length === 0)
      throw new ReportError(`${name} has no use for "${field}"; it takes ${[...needs, ...takes].join(', ')}`)
  }
  const made = statement.make({
    spec: () => exposureSpec(input.spec as ExposureSpecInput),
    window: () => {
      if (input.window === undefined) throw new ReportError(`${name} needs "window"`)
      return exposureWindow(input.window.start, input.window.asOf)
    },
    options: input.options ?? {},
    given: (field) => input[field] as never,
  })
  return Array.isArray(made) ? (made as readonly PrintedStatement[]) : [made as PrintedStatement]
}
