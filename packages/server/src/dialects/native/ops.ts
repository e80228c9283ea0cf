// What an address for operations serves, without a credential: whether the process is
// alive and ready, and its figures. Nothing of the API is there.

import { z } from 'zod';
import { type Dialect, openRoute } from '../../dialect.ts';
import { native } from './dialect.ts';
import { METRICS_TYPE, probeRoutes } from './service.ts';

export const ops: Dialect = {
  ...native,
  name: 'ops',
  title: 'Warder: operations',
  description: 'Probes and figures.',
  routes: [
    ...probeRoutes,
    openRoute({
      method: 'GET',
      path: '/metrics',
      operationId: 'metrics',
      summary: 'The service in figures, for Prometheus',
      mediaType: METRICS_TYPE,
      replies: { 200: z.string() },
      answer: async (service) => ({ status: 200, body: await service.metrics() }),
    }),
  ],
  fast: undefined,
};
