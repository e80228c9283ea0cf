// The routes that take no credential: is it alive, is it ready, and what it is.

import { z } from 'zod';
import { openRoute } from '../../dialect.ts';
import * as schemas from './schemas.ts';

export const serviceRoutes = [
  openRoute({
    method: 'GET',
    path: '/livez',
    operationId: 'live',
    summary: 'Is the process alive',
    description: 'Asks no database.',
    replies: { 200: schemas.Health },
    answer: async () => ({ status: 200, body: { status: 'alive' } }),
  }),
  openRoute({
    method: 'GET',
    path: '/readyz',
    operationId: 'ready',
    summary: 'Can the process give verdicts',
    description: 'Answers 503 while it is draining or its store is away.',
    replies: { 200: schemas.Health, 503: schemas.Health },
    answer: async (service) => {
      const reason = await service.ready();
      return reason === null
        ? { status: 200, body: { status: 'ready' } }
        : { status: 503, body: { status: 'not ready', reason } };
    },
  }),
  openRoute({
    method: 'GET',
    path: '/openapi.json',
    operationId: 'openapi',
    summary: 'This API as an OpenAPI 3.1 document',
    replies: { 200: z.record(z.string(), z.unknown()) },
    answer: async (service) => ({ status: 200, body: service.document() }),
  }),
  openRoute({
    method: 'GET',
    path: '/reference',
    operationId: 'reference',
    summary: 'This API as a page to read',
    mediaType: 'text/html; charset=utf-8',
    replies: { 200: z.string() },
    answer: async (service) => ({ status: 200, body: service.reference() }),
  }),
];
