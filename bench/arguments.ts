import { Command, InvalidArgumentError } from 'commander'

export const sections = [
  'compare',
  'who',
  'shapes',
  'rollup',
  'aliases',
  'growth',
  'memory',
  'client',
  'panel',
  'cluster',
  'stream',
  'batch',
  'file',
  'calibration',
] as const
export type Section = (typeof sections)[number]

/** The options of the command line. */
export interface BenchArguments {
  readonly sections: readonly Section[]
  /** Events in the tables on which the forms are compared. */
  readonly events: number
  /** The sizes between which growth is fitted, in events. */
  readonly growth: readonly number[]
  /** Events in the table that is queried under a memory limit, and the limit in bytes. */
  readonly memoryEvents: number
  readonly memoryLimit: number
  /** Identities in the cluster's table. */
  readonly clusterIdentities: number
  /** Identities that are read as a stream. */
  readonly streamIdentities: number
  /** Events in the tables of many experiments. */
  readonly batchEvents: number
  /** The size of the file that is reported, in bytes. */
  readonly fileBytes: number
  /** How often each form is measured; the median is reported. */
  readonly rounds: number
  readonly json: boolean
}

/** Reads the command line (without the program's own name). */
export function benchArguments(argv: readonly string[]): BenchArguments {
  const command = new Command('npm run bench --')
    .description(
      'Measures what the query costs, as ratios within one run. It uses an embedded ClickHouse and generated tables, ' +
        'and runs every measurement in its own process. Numbers can be written as 20M or 500k.',
    )
    .option('--sections <names>', `which of ${sections.join(', ')}`, sectionList, [...sections])
    .option('--events <n>', 'events in the tables that are compared', count, 2_000_000)
    .option(
      '--growth <n,n,…>',
      'sizes between which growth is fitted',
      counts,
      [1_000_000, 2_000_000, 4_000_000],
    )
    .option(
      '--memory-events <n>',
      'events in the table that is queried under a memory limit',
      count,
      4_000_000,
    )
    .option(
      '--memory-limit <MiB>',
      'the memory limit; its default grows with the table, to 1536 for 50M events',
      count,
    )
    .option('--cluster-identities <n>', 'identities in the table on three shards', count, 100_000)
    .option('--stream-identities <n>', 'identities that are read as a stream', count, 1_000_000)
    .option('--batch-events <n>', 'events in the tables of 300 experiments', count, 2_000_000)
    .option('--file-bytes <n>', 'the size of the file that is reported', count, 100_000_000)
    .option('--rounds <n>', 'how often to measure each form', count, 5)
    .option('--json', 'print all figures as JSON', false)
    .helpOption('-h, --help', 'show this help')
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
    throw new InvalidArgumentError('Pass a whole number above 0, such as 2000000, 500k or 20M.')
  }
  return value
}

function counts(text: string): readonly number[] {
  const sizes = text.split(',').map(count)
  if (sizes.length < 2) throw new InvalidArgumentError('Pass two or more sizes, such as 1M,5M,20M.')
  return sizes
}

function sectionList(text: string): readonly Section[] {
  return text.split(',').map((name) => {
    const section = sections.find((known) => known === name)
    if (section === undefined) throw new InvalidArgumentError(`Pass one or more of ${sections.join(', ')}.`)
    return section
  })
}
