// The keys that five published API pages show, made, listed, verified, disabled and
// revoked over HTTP. Needs nothing but a running service and its first key:
//
//   node examples/seed-pages/http.mjs
//
// WARDER_URL and WARDER_KEY_FILE name another service and key.
import { readFileSync } from 'node:fs';

const url = process.env.WARDER_URL ?? 'http://127.0.0.1:7700';
const credential = readFileSync(process.env.WARDER_KEY_FILE ?? 'data/first-key', 'utf8').trim();
const pages = JSON.parse(readFileSync(new URL('keys.json', import.meta.url), 'utf8'));

for (const { page, key, verdict, patch, becomes } of pages) {
  const { key: secret, id } = await call('POST', '/v1/keys', key);
  const first = await verify(secret, key.scopes);
  expect(page, 'is at first', first.code, verdict);

  if (patch) await call('PATCH', `/v1/keys/${id}`, patch);
  if (becomes === 'disabled') await call('POST', `/v1/keys/${id}/disable`);
  if (becomes === 'revoked') await call('POST', `/v1/keys/${id}/revoke`, { reason: 'as shown' });
  const then = await verify(secret, key.scopes);
  expect(page, 'is in the end', then.code, becomes === 'active' ? 'valid' : becomes);

  const shown = await call('GET', `/v1/keys/${id}`);
  expect(page, 'shows its state', shown.status, becomes);
  const owner = key.owner_id === undefined ? '' : `&owner_id=${encodeURIComponent(key.owner_id)}`;
  const { data } = await call('GET', `/v1/keys?status=${becomes}${owner}`);
  expect(
    page,
    'is listed',
    data.some((one) => one.id === id),
    true,
  );
  console.log(
    `${page}: ${shown.prefix}${shown.start}…${shown.end} "${shown.name}" is ${shown.status}`,
  );
}

async function verify(secret, scopes) {
  return await call('POST', '/v1/keys/verify', { key: secret, scopes });
}

async function call(method, path, body) {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${credential}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${answer.detail}`);
  return answer;
}

function expect(page, what, is, should) {
  if (is !== should) throw new Error(`${page} ${what} ${is}, not ${should}`);
}
