// A dialect's own OpenAPI document, served below its base, for anyone.

import { z } from 'zod';
import { openRoute } from './dialect.ts';

export const documentRoute = openRoute({
  method: 'GET',
  path: '/openapi.json',
  operationId: 'getOpenApi',
  summary: 'This API as an OpenAPI document',
  replies: { 200: z.looseObject({}) },
  answer: async (service) => ({ status: 200, body: service.document() }),
});
