// The route of a caller about itself.

import { route } from '../../dialect.ts';
import { answer } from './answers.ts';
import * as schemas from './schemas.ts';

export const authRoutes = [
  route({
    method: 'GET',
    path: '/auth/whoami',
    operationId: 'whoami',
    summary: 'Who am I',
    description: 'A member, or a key of this API about itself.',
    permission: null,
    verdict: true,
    replies: { 200: schemas.WhoAmIAnswer },
    run: ({ operations }) => operations.whoami(),
    out: ({ caller, key, workspace }, telling) => {
      const user = key === null ? caller.identity : key.createdBy;
      const whoami = {
        auth_kind: key === null ? 'clerk' : 'api_key',
        user_id: user.type === 'member' ? user.id : null,
        workspace_id: workspace?.id ?? null,
        api_key_id: key?.id ?? null,
        scopes: key?.kind === 'standard' ? [...key.scopes].sort() : [],
      };
      return answer(whoami, telling);
    },
  }),
];
