// What the service tells of itself: is it alive, is it ready, what it is, and how it goes,
// which alone takes a credential.

import { requireInstance } from '@warder/core';
import { z } from 'zod';
import { openRoute, route } from '../../dialect.ts';
import * as schemas from './schemas.ts';

/** Text as Prometheus reads it. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const probeRoutes = [
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
    description:
      'Answers 503 while it is draining or its store is away. `degraded` gives verdicts that are as right, at the cost of a read each: changes elsewhere are not heard of.',
    replies: { 200: schemas.Health, 503: schemas.Health },
    answer: async (service) => {
      const { status, reason, promise } = await service.ready();
      return {
        status: status === 'not ready' ? 503 : 200,
        body: {
          status,
          ...(reason === null ? {} : { reason }),
          promise: {
            bound_ms: promise.boundMilliseconds,
            feed: promise.feed,
            age_ms: promise.ageMilliseconds,
          },
        },
      };
    },
  }),
];

export const serviceRoutes = [
  ...probeRoutes,
  route({
    method: 'GET',
    path: '/metrics',
    operationId: 'metrics',
    summary: 'The service in figures, for Prometheus',
    description:
      'For a management key of the instance. Where the service has an address for operations (`--ops-listen`) this is served there, without a credential, and answers 404 here.',
    permission: 'usage:read',
    mediaType: METRICS_TYPE,
    replies: { 200: z.string() },
    run: async ({ service, caller }) => {
      requireInstance(caller);
      return await service.metrics();
    },
    out: (body) => ({ status: 200, body }),
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
