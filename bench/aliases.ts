import type { ExposureSpecInput } from 'first-exposure'
import { checksum, whoRows, type Form } from './forms.js'
import type { Cost } from './measure-forms.js'
import type { Shape } from './shape.js'

/** Each form without aliases, and the same with a tenth of the identities aliased. */
export type AliasPairs = readonly (readonly [without: Form, aliased: Form])[]

/** All pairs, for a table of this shape. The first form fills the table of aliases. */
export function aliasPairs(shape: Shape): AliasPairs {
  const summary = pair('the summary', (spec) => ({ asks: { spec }, agrees: false }))
  const exposed = pair('the exposed identities', (spec) => ({
    asks: checksum(whoRows(spec)),
    agrees: false,
  }))
  const pairs = [
    summary({}),
    summary({ identityKey: 'exact' }),
    summary({ multiVariant: 'first-seen' }),
    exposed({}),
    exposed({ multiVariant: 'first-seen' }),
  ]
  return pairs.map(([without, aliased], index) => [
    index === 0 ? { ...without, prepare: aliasTable(shape) } : without,
    aliased,
  ])
}

/** What the aliases cost, as ratios of each pair. */
export function aliasRows(pairs: AliasPairs, costs: readonly Cost[]): readonly (readonly string[])[] {
  const of = ({ name }: Form): Cost['cost'] | undefined => costs.find(({ form }) => form === name)?.cost
  return pairs.map(([without, aliased]) => {
    const [a, b] = [of(without), of(aliased)]
    const ratio = (what: keyof Cost['cost']): string =>
      a === undefined || b === undefined ? '–' : (b[what] / a[what]).toFixed(2)
    return [without.name, ratio('seconds'), ratio('cpuSeconds'), ratio('peakBytes')]
  })
}

type Difference = Pick<ExposureSpecInput, 'identityKey' | 'multiVariant' | 'aliases'>

function pair(
  name: string,
  form: (spec: Difference) => Omit<Form, 'name'>,
): (difference: Difference) => readonly [Form, Form] {
  return (difference) => {
    const named = [name, ...Object.values(difference).map(String)].join(', ')
    const aliases = { table: 'aliases', from: 'anonymous', to: 'person' }
    return [
      { name: named, ...form(difference) },
      { name: `${named}, aliased`, ...form({ ...difference, aliases }) },
    ]
  }
}

/** Every tenth identity stands for the next one. */
function aliasTable({ events, exposuresEach }: Shape): NonNullable<Form['prepare']> {
  const identifier = (visitor: string): string =>
    `concat('user-', hex(cityHash64(toUInt64(${visitor}), 'identifier')))`
  return [
    'CREATE OR REPLACE TABLE aliases (anonymous String, person String) ENGINE = MergeTree ORDER BY anonymous',
    `INSERT INTO aliases SELECT ${identifier('number * 10')}, ${identifier('number * 10 + 1')}
      FROM numbers(${Math.round(events / exposuresEach / 10)})`,
  ].map((query) => ({ query, query_params: {} }))
}
