import type { Options } from 'tsup'

const config: Options = {
  entry: {
    index: 'src/index.ts',
    clickhouse: 'src/clickhouse/index.ts',
    flagsmith: 'src/flagsmith/index.ts',
  },
  format: ['esm', 'cjs'],
  target: 'es2022',
  // One copy of the error class, however many entry points are imported.
  splitting: true,
  clean: true,
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
}

export default config
