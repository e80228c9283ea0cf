// Limits without a key, over HTTP.

import { describe, expect, it } from 'vitest';
import { type LimitedService, limitOf } from './service.ts';

export function takeGuarantees(of: LimitedService): void {
  describe('taking from a limit without a key', () => {
    const take = async (identifier: string, more: object = {}, name = 'logins', status = 200) => {
      const body = {
        identifier,
        limit: 2,
        window_seconds: 900,
        workspace_id: of.workspace,
        ...more,
      };
      return of.service.call('POST', `/v1/limits/${name}/take`, { body }).then((reply) => {
        expect(reply.status, reply.text).toBe(status);
        return reply;
      });
    };

    it('tells whether there was enough and how the window stands, in the body and in headers', async () => {
      const first = await take('ip:192.0.2.1');
      expect(first.body).toEqual({
        allowed: true,
        name: 'logins',
        limit: 2,
        remaining: 1,
        window_seconds: 900,
        reset_at: '2026-11-20T12:15:00.000Z',
      });
      expect(first.headers).toMatchObject({
        'ratelimit-policy': '"logins";q=2;w=900',
        ratelimit: '"logins";r=1;t=900',
      });
      expect(first.headers).not.toHaveProperty('retry-after');
      await take('ip:192.0.2.1');
      of.service.clock.at += 60_000;
      const third = await take('ip:192.0.2.1');
      expect(third.body).toMatchObject({ allowed: false, remaining: 0, retry_after_seconds: 840 });
      expect(third.headers).toMatchObject({
        ratelimit: '"logins";r=0;t=840',
        'retry-after': '840',
      });
    });

    it('admits exactly its limit of many at once', async () => {
      const all = await Promise.all(Array.from({ length: 300 }, () => take('many', { limit: 50 })));
      expect(all.filter(({ body }) => body.allowed)).toHaveLength(50);
    });

    it('knows a window by its name, identifier, length and workspace', async () => {
      const other = (await of.service.createWorkspace()).id;
      const tries = [
        () => take('a'),
        () => take('b'),
        () => take('a', {}, 'pages'),
        () => take('a', { window_seconds: 901 }),
        () => take('a', { workspace_id: other }),
      ];
      for (const attempt of tries) expect((await attempt()).body.remaining).toBe(1);
      expect((await take('a', { limit: 5 })).body.remaining).toBe(3);
    });

    it('of the very name of a key takes nothing from that key', async () => {
      const { key, id } = await of.create([limitOf('logins', 1, 900)]);
      await take(id);
      expect(await of.codes(key, 1)).toEqual(['valid']);
    });

    it('takes a cost, or nothing at all', async () => {
      expect((await take('c', { cost: 3 })).body).toMatchObject({ allowed: false, remaining: 2 });
      expect((await take('c', { cost: 2, spend: false })).body).toMatchObject({ remaining: 2 });
      expect((await take('c', { cost: 2 })).body).toMatchObject({ allowed: true, remaining: 0 });
      expect((await take('c', { cost: 0 })).body).toMatchObject({ allowed: true, remaining: 0 });
    });

    it('is for keys of the workspace with the permission, in their own one', async () => {
      const body = { identifier: 'x', limit: 1, window_seconds: 60 };
      const call = async (permissions: readonly string[] | string, more: object = {}) => {
        const { key } = await of.service.manager(permissions, { workspace_id: of.workspace });
        return of.service.call('POST', '/v1/limits/a/take', { key, body: { ...body, ...more } });
      };
      expect((await call(['limits:take'])).body.allowed).toBe(true);
      expect((await call('verifier')).body.allowed).toBe(false);
      expect((await take('x', { limit: 1, window_seconds: 60 }, 'a')).body.allowed).toBe(false);
      expect((await call(['keys:verify'])).status).toBe(403);
      const foreign = { workspace_id: of.service.defaultWorkspaceId };
      expect((await call(['limits:take'], foreign)).status).toBe(403);
    });

    it('keeps of an identifier nothing that could be read', async () => {
      await take('somebody@example.com');
      await of.service.warder.flush();
      for (const bytes of of.service.files())
        expect(bytes.includes('somebody@example')).toBe(false);
    });
  });
}
