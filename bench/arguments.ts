import { Command, InvalidArgumentError } from 'commander'

export const sections = ['compare', 'shapes', 'rollup', 'growth', 'memory', 'client', 'cluster'] as const
export type Section = (typeof sections)[number]

/** What the command line asks for. */
export interface BenchArguments {
  readonly sections: readonly Section[]
  /** Events of the tables that the forms are compared on. */
  readonly events: number
  /** The sizes between which growth is fitted, in events. */
  readonly growth: readonly number[]
  /** Events of the table that is asked for under a limit of memory, and the limit in bytes. */
  readonly memoryEvents: number
  readonly memoryLimit: number
  /** Identities of the cluster's table. */
  readonly clusterIdentities: number
  /** How often each is measured; the median counts. */
  readonly rounds: number
  readonly json: boolean
}

/** Reads the command line (without the program's own name). */
export function benchArguments(argv: readonly string[]): BenchArguments {
  const command = new Command('npm run bench --')
    .description(
      'What the query costs, as ratios within one run: an embedded ClickHouse on generated tables, every measurement ' +
        'in a process of its own, in turn. Numbers of events may be written 20M or 500k.',
    )
    .option('--sections <names>', `some of ${sections.join(', ')}`, sectionList, [...sections])
    .option('--events <n>', 'events of the tables that are compared', count, 2_000_000)
    .option(
      '--growth <n,n,…>',
      'sizes between which growth is fitted',
      counts,
      [1_000_000, 2_000_000, 4_000_000],
    )
    .option('--memory-events <n>', 'events of the table asked under a limit of memory', count, 4_000_000)
    .option('--memory-limit <MiB>', 'that limit; the default grows with the table: 1536 for 50M', count)
    .option('--cluster-identities <n>', 'identities of the three-shard table', count, 100_000)
    .option('--rounds <n>', 'measurements of each', count, 5)
    .option('--json', 'all figures as JSON on standard output', false)
    .helpOption('-h, --help', 'this text')
    .parse(argv, { from: 'user' })
  const { memoryLimit, ...options } = command.opts<
    Omit<BenchArguments, 'memoryLimit'> & { readonly memoryLimit?: number }
  >()
  return {
    ...options,
    memoryLimit: Math.round((memoryLimit ?? (1536 * options.memoryEvents) / 50_000_000) * 2 ** 20),
  }
}

function count(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([kKM]?)$/.exec(text.replaceAll(/[_,]/g, '')) ?? []
  const value = Math.round(Number(digits) * (unit === 'M' ? 1e6 : unit === '' ? 1 : 1e3))
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('Write a whole number above 0, such as 2000000, 500k or 20M.')
  }
  return value
}

function counts(text: string): readonly number[] {
  const sizes = text.split(',').map(count)
  if (sizes.length < 2) throw new InvalidArgumentError('Write two sizes or more, such as 1M,5M,20M.')
  return sizes
}

function sectionList(text: string): readonly Section[] {
  return text.split(',').map((name) => {
    const section = sections.find((known) => known === name)
    if (section === undefined) throw new InvalidArgumentError(`Write some of ${sections.join(', ')}.`)
    return section
  })
}
