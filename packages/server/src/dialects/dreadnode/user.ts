// The route of a caller about itself: by it a client learns whether its key is good.

import { route } from '../../dialect.ts';
import { keyBody } from './keys.ts';
import * as schemas from './schemas.ts';

export const userRoutes = [
  route({
    method: 'GET',
    path: '/user',
    operationId: 'get_user',
    summary: 'Get User',
    description: 'Who calls: by a token, or by a key of this API.',
    permission: null,
    verdict: true,
    replies: { 200: schemas.User },
    run: ({ operations }) => operations.whoami(),
    out: ({ caller, key, member }) => {
      const id = member?.id ?? key?.ownerId ?? caller.identity.id;
      const user = {
        api_key: key && keyBody(key),
        email_address: '',
        full_name: member?.name ?? null,
        id,
        username: member?.subject ?? id,
      };
      return { status: 200, body: user };
    },
  }),
];
