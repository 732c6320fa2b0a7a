import type { ClickHouseClient } from '@clickhouse/client'
import type { ClickHouseClient as WebClickHouseClient } from '@clickhouse/client-web'
import type { ExposureSpec, ExposureWindow } from 'first-exposure'
import {
  fetchExposuresSummary,
  streamExposedIdentities,
  type ExposureClient,
  type ExposureStreamClient,
} from 'first-exposure/clickhouse'
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

test('both clients and a small fake can be streamed from', () => {
  expectTypeOf(node).toExtend<ExposureStreamClient>()
  expectTypeOf(web).toExtend<ExposureStreamClient>()
  const streaming = { ...fake, exec: async () => ({ stream: new Blob([]).stream() }) }
  expectTypeOf(streaming).toExtend<ExposureStreamClient>()
  const iterable = {
    ...fake,
    exec: async () => ({
      stream: (async function* () {
        yield new Uint8Array()
      })(),
    }),
  }
  expectTypeOf(iterable).toExtend<ExposureStreamClient>()
  expectTypeOf(streamExposedIdentities).toBeCallableWith(node, spec, window)
  expectTypeOf(streamExposedIdentities).toBeCallableWith(web, spec, window)
  // @ts-expect-error a client that can only be queried cannot be streamed from
  void streamExposedIdentities(fake, spec, window)
})

test('something else is not', () => {
  expectTypeOf<{ query: () => string }>().not.toExtend<ExposureClient>()
  // @ts-expect-error a signal that is undefined is not a signal left out
  void fetchExposuresSummary(fake, spec, window, { signal: undefined })
})
