import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { initialRefreshState, isExposureError, type RefreshPolicy } from 'first-exposure'
import type { RefreshStore } from 'first-exposure/clickhouse'
import { exposuresAnswer, type ExposuresAnswer, type panelPage } from 'first-exposure/panel'
import type { BackgroundRefreshes } from './background-refreshes.js'
import type { HostExperiment } from './experiments.js'

export interface ExposuresServiceInput {
  readonly experiments: readonly HostExperiment[]
  readonly store: RefreshStore
  readonly refreshes: BackgroundRefreshes
  readonly policy: Partial<RefreshPolicy>
  /** Makes the page of an answer. */
  readonly page: typeof panelPage
}

/** The HTTP interface: see the README beside this file. It does not listen yet. */
export function exposuresService({
  experiments,
  store,
  refreshes,
  policy,
  page,
}: ExposuresServiceInput): FastifyInstance {
  const service = fastify({ forceCloseConnections: 'idle' })
  const byId = new Map(experiments.map((experiment) => [experiment.id, experiment]))

  const known = async ({
    id,
    title,
    spec,
    experiment,
    expectedShares,
  }: HostExperiment): Promise<ExposuresAnswer> => {
    const state = (await store.load(id))?.state ?? initialRefreshState
    return exposuresAnswer({ title, spec, experiment, expectedShares, state, now: Date.now(), policy })
  }
  const answer = async (experiment: HostExperiment, reply: FastifyReply): Promise<FastifyReply> =>
    // What is stored may change at any moment.
    reply.header('cache-control', 'no-store').send(await known(experiment))

  service.get('/experiments', async () =>
    experiments.map(({ id, title, experiment }) => ({
      id,
      title,
      experiment,
      panel: `/experiments/${id}`,
      exposures: `/experiments/${id}/exposures`,
    })),
  )

  service.get<{ Params: { id: string } }>('/experiments/:id', async ({ params }, reply) => {
    const experiment = byId.get(params.id)
    if (experiment === undefined) return unknownExperiment(reply, byId)
    const exposuresUrl = `/experiments/${encodeURIComponent(params.id)}/exposures`
    const html = page(await known(experiment), {
      service: { exposuresUrl, refreshUrl: `${exposuresUrl}/refresh` },
    })
    return reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(html)
  })

  service.get<{ Params: { id: string } }>('/experiments/:id/exposures', async ({ params }, reply) => {
    const experiment = byId.get(params.id)
    return experiment === undefined ? unknownExperiment(reply, byId) : await answer(experiment, reply)
  })

  service.post<{ Params: { id: string } }>(
    '/experiments/:id/exposures/refresh',
    async ({ params }, reply) => {
      const experiment = byId.get(params.id)
      if (experiment === undefined) return unknownExperiment(reply, byId)
      const outcome = await refreshes.start(experiment)
      switch (outcome.type) {
        // The refresh is running, whoever started it; or it has been done or tried already.
        case 'claimed':
        case 'in-flight':
        case 'refreshed':
        case 'failed':
          reply.code(202)
          break
        case 'throttled':
          reply.code(429).header('retry-after', Math.ceil(outcome.retryAfterMs / 1000))
          break
        case 'final':
        case 'not-started':
          reply.code(409)
          break
        case 'aborted':
          reply.code(503)
      }
      return await answer(experiment, reply)
    },
  )

  service.setErrorHandler(async (error, _, reply) => {
    const status = (error as { readonly statusCode?: unknown }).statusCode
    if (typeof status === 'number' && status < 500) {
      return reply.code(status).send({ code: 'bad-request', message: (error as Error).message })
    }
    // Our own errors say what to do and contain no secret. Other errors may.
    return isExposureError(error)
      ? reply.code(500).send({ code: error.code, message: error.message })
      : reply
          .code(503)
          .send({ code: 'store-failed', message: 'The stored state cannot be reached at the moment.' })
  })
  service.setNotFoundHandler(async (_, reply) =>
    reply.code(404).send({ code: 'not-found', message: 'Nothing here. See /experiments for a list.' }),
  )
  return service
}

function unknownExperiment(reply: FastifyReply, known: ReadonlyMap<string, unknown>): FastifyReply {
  return reply.code(404).send({
    code: 'unknown-experiment',
    message: `There is no such experiment. Known experiments: ${[...known.keys()].join(', ')}.`,
  })
}
