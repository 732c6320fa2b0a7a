import type { ClickHouseClient } from '@clickhouse/client'
import type { ClickHouseClient as WebClickHouseClient } from '@clickhouse/client-web'
import type { ExposureSpec, ExposureWindow } from 'first-exposure'
import { fetchExposuresSummary, type ExposureClient } from 'first-exposure/clickhouse'
import { expectTypeOf, test } from 'vitest'

declare const spec: ExposureSpec
declare const window: ExposureWindow
declare const node: ClickHouseClient
declare const web: WebClickHouseClient
const fake = { query: async () => ({ json: async () => [] }) }

test('the Node client is an ExposureClient', () => {
  expectTypeOf(node).toExtend<ExposureClient>()
  expectTypeOf(fetchExposuresSummary).toBeCallableWith(node, spec, window)
})

test('the Web client is an ExposureClient', () => {
  expectTypeOf(web).toExtend<ExposureClient>()
  expectTypeOf(fetchExposuresSummary).toBeCallableWith(web, spec, window)
})

test('a three-line fake is an ExposureClient', () => {
  expectTypeOf(fake).toExtend<ExposureClient>()
  expectTypeOf(fetchExposuresSummary).toBeCallableWith(fake, spec, window)
})

test('something else is not', () => {
  expectTypeOf<{ query: () => string }>().not.toExtend<ExposureClient>()
  // @ts-expect-error a signal that is undefined is not a signal left out
  void fetchExposuresSummary(fake, spec, window, { signal: undefined })
})
