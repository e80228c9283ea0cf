// The examples of apps that embed the service, run as they are: what their pages say to
// type is typed, and what they serve is asked for over HTTP.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { newFolder, PROGRAM, run, startAny } from '../fixtures/program.ts';
import { get } from './frameworks.ts';

const at = (path: string) => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
const warder = [process.execPath, ...PROGRAM].map((word) => `'${word}'`).join(' ');

async function start(example: string, cwd: string) {
  const args = ['--conditions=warder-source', at(`${example}/app.mjs`)];
  const app = startAny(process.execPath, args, { cwd, env: { PORT: '0' } });
  const [, url = ''] = await app.shows(/listening at (\S+)/);
  return { ...app, url };
}

it.each(['embed-express', 'embed-hono'])(
  '%s: what its page says to type does what it says',
  async (example) => {
    const cwd = newFolder();
    const { url } = await start(example, cwd);
    const page = readFileSync(at(`${example}/README.md`), 'utf8');
    const [, block = ''] = Array.from(page.matchAll(/^```sh\n(.*?)^```$/gms), ([, it = '']) => it);
    const script = block.replaceAll('http://127.0.0.1:3000', url).replaceAll('npx warder', warder);
    const { code, stdout, stderr } = await startAny('bash', ['--norc', '-ec', script], { cwd })
      .ended;
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/"files":\[\],"of":"acme".*caller.*"code":"revoked"/s);
  },
);

it.each(['embed-express', 'embed-hono'])(
  '%s: a key that was made is good after a restart, and refused once revoked',
  async (example) => {
    const cwd = newFolder();
    const first = await start(example, cwd);
    const keyFile = join(cwd, 'data/first-key');
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const manage = ['authorization', `Bearer ${readFileSync(keyFile, 'utf8').trim()}`];
    const call = (url: string, path: string, body: object) =>
      get(
        `${url}/warder${path}`,
        [...manage, 'content-type', 'application/json'],
        'POST',
        JSON.stringify(body),
      );
    const made = await call(first.url, '/v1/keys', { owner_id: 'acme', scopes: ['files:read'] });
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe(`/warder/v1/keys/${made.body.id}`);
    const key = ['x-api-key', String(made.body.key)];
    expect((await get(`${first.url}/files`, key)).body).toEqual({ files: [], of: 'acme' });
    expect((await get(`${first.url}/files`, [])).status).toBe(401);
    expect((await get(`${first.url}/elsewhere`, key)).status).toBe(404);
    first.child.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0, stderr: '' });
    // It lies as the command line would have it.
    const doctor = await run(['doctor', '--data', 'data'], { cwd });
    expect(doctor.stdout).toMatch(/^ok +integrity .*^ok +secret and peppers /ms);

    const again = await start(example, cwd);
    expect((await get(`${again.url}/files`, key)).status).toBe(200);
    expect((await call(again.url, `/v1/keys/${made.body.id}/revoke`, {})).status).toBe(200);
    const { status, body } = await get(`${again.url}/files`, key);
    expect([status, body.code]).toEqual([401, 'revoked']);
    const { body: self } = await get(`${again.url}/warder/v1/whoami`, manage);
    expect(self).toMatchObject({ instance: true });
  },
);
