// The file of issuers as an operator gives it: what the start says of a bad one, and that the
// examples of the page about signing in are good ones.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { newFolder, run, serve } from './fixtures/program.ts';
import { newSigner } from './kit/issuer.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

const ROW = {
  issuer: 'https://login.example.com',
  audiences: ['a'],
  workspaces: [{ workspace: 'w' }],
};
const keys = () => JSON.stringify({ keys: [newSigner().jwk] });

async function startedWith(issuers: string | null, keyFile: string | null = null) {
  const cwd = newFolder();
  if (issuers !== null) writeFileSync(join(cwd, 'issuers.json'), issuers);
  if (keyFile !== null) writeFileSync(join(cwd, 'keys.json'), keyFile);
  return await run(['serve', '--listen', '127.0.0.1:0', '--issuers', 'issuers.json'], { cwd });
}

const WITH_FILE = JSON.stringify([{ ...ROW, jwks_file: 'keys.json' }]);
const PRIVATE = newSigner().privateKey.export({ format: 'jwk' });

test.each<[string, string | null, string | null, string]>([
  ['no file', null, null, 'it cannot be read (ENOENT)'],
  ['no JSON', 'issuers', null, 'The file is not valid JSON'],
  [
    'a missing field',
    '[{"issuer":"https://a.example"}]',
    null,
    'issuers[0].audiences must name at least one audience',
  ],
  [
    'keys that are not there',
    WITH_FILE,
    null,
    'issuers[0].jwks_file must be a file of public keys: ENOENT',
  ],
  ['keys that are none', WITH_FILE, '[]', 'public keys: what it holds is not a JWK Set'],
  ['no key', WITH_FILE, '{"keys":[]}', 'public keys: it holds no key'],
  [
    'a private key',
    WITH_FILE,
    JSON.stringify({ keys: [PRIVATE] }),
    'it holds a private or shared key',
  ],
])(
  '%s stops the start with one sentence that names file and field',
  async (_, issuers, keyFile, sentence) => {
    const { code, stdout, stderr } = await startedWith(issuers, keyFile);
    expect(stderr).toContain(
      'The file issuers.json, which --issuers (WARDER_ISSUERS) names, cannot be used: ',
    );
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n').length).toBe(1);
    expect(`${PRIVATE.d}`.length).toBeGreaterThan(20);
    expect(stderr).not.toContain(`${PRIVATE.d}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  },
);

test('each issuers.json of the page about signing in starts a service', async () => {
  const page = readFileSync(fileURLToPath(new URL('../docs/sign-in.md', import.meta.url)), 'utf8');
  const examples = Array.from(page.matchAll(/^```json\n(.*?)^```$/gms), ([, text = '']) => text);
  expect(examples.length).toBe(3);
  for (const example of examples) {
    const cwd = newFolder();
    writeFileSync(join(cwd, 'issuers.json'), example);
    writeFileSync(join(cwd, 'keys.json'), keys());
    const service = await serve(cwd, ['--issuers', 'issuers.json']);
    service.child.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: 0 });
  }
});

test('a file of keys is looked for beside the file that names it', async () => {
  const cwd = newFolder();
  const there = newFolder();
  writeFileSync(join(there, 'issuers.json'), WITH_FILE);
  writeFileSync(join(there, 'keys.json'), keys());
  await serve(cwd, [], { env: { WARDER_ISSUERS: join(there, 'issuers.json') } });
});

test('without issuers the library for tokens is not loaded', async () => {
  const told = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      if (name === 'jose') process.stderr.write('jose is loaded\\n');
      return next(name, context);
    } });`;
  const node = ['--import', `data:text/javascript,${encodeURIComponent(told)}`];
  const cwd = newFolder();
  writeFileSync(join(cwd, 'issuers.json'), JSON.stringify([ROW]));
  const without = await serve(cwd, [], { node });
  without.child.kill('SIGTERM');
  expect((await without.ended).stderr).not.toContain('jose is loaded');
  const given = await serve(cwd, ['--issuers', 'issuers.json'], { node });
  await given.shows(/jose is loaded/);
});
