// The route of limits without a key.

import { describeFigure } from '@warder/core';
import { route } from '../../dialect.ts';
import * as schemas from './limit-schemas.ts';
import * as parameters from './parameters.ts';

export const limitRoutes = [
  route({
    method: 'POST',
    path: '/v1/limits/{name}/take',
    operationId: 'takeLimit',
    summary: 'Take from a limit without a key',
    description:
      'For whatever has an identifier: an address, a user, a route. Answers 200 with `{"allowed": true|false, ...}` and takes all of the cost or nothing. The window is fixed and begins with the first use of that name, identifier and window_seconds in the workspace. A key of the instance names the workspace by workspace_id; without it `default`.',
    permission: 'limits:take',
    params: parameters.LimitParams,
    body: schemas.LimitTake,
    asks: true,
    verdict: true,
    replies: { 200: schemas.LimitTaken },
    run: ({ operations, params, body }) =>
      operations.takeLimit({
        name: params.name,
        identifier: body.identifier,
        limit: body.limit,
        windowSeconds: body.window_seconds,
        cost: body.cost,
        spend: body.spend,
        workspaceId: body.workspace_id,
      }),
    out: ({ admitted, figures, retryAfterSeconds }) => ({
      status: 200,
      body: {
        allowed: admitted,
        ...figures.map(describeFigure)[0],
        ...(admitted ? {} : { retry_after_seconds: retryAfterSeconds }),
      },
      limits: figures,
      retryAfterSeconds,
    }),
  }),
];
