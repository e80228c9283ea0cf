// The API as a plain page to read: no script, nothing from elsewhere, one section
// for each call, made of the OpenAPI document.

import type { ApiDocument, Operation } from './openapi.ts';

/** Answers a whole HTML page. Everything in it is escaped. */
export function referencePage({ info, paths, components }: ApiDocument): string {
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation,
    })),
  );
  const contents = calls.map(
    ({ method, path, operation }) =>
      `<li><a href="#${escaped(operation.operationId)}"><code>${method} ${escaped(path)}</code></a> ${escaped(operation.summary)}</li>`,
  );
  const sections = calls.map(({ method, path, operation }) => section(method, path, operation));
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<h3 id="${escaped(name)}">${escaped(name)}</h3><pre>${escaped(JSON.stringify(schema, null, 2))}</pre>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(info.title)} ${escaped(info.version)}: API reference</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
pre { background: #f4f4f2; padding: .75rem; overflow-x: auto; }
h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; }
td, th { text-align: left; vertical-align: top; padding: .1rem 1rem .1rem 0; }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #ddd; } pre { background: #222; } a { color: #8cf; } }
</style>
<h1>${escaped(info.title)} ${escaped(info.version)}</h1>
<p>${escaped(info.description)} The same as a document: <a href="openapi.json">openapi.json</a>.</p>
<ul>${contents.join('\n')}</ul>
${sections.join('\n')}
<h2>Schemas</h2>
${schemas.join('\n')}
</html>
`;
}

function section(method: string, path: string, operation: Operation): string {
  const permission = operation['x-permission'];
  const needs =
    operation.security.length === 0
      ? 'no credential'
      : permission
        ? `the permission ${permission}`
        : 'any key';
  const parameters = (operation.parameters ?? []).map(
    ({ name, in: place, description = '' }) =>
      `<tr><td><code>${escaped(name)}</code><td>${place}<td>${escaped(description)}`,
  );
  const body = operation.requestBody?.content['application/json']?.schema;
  const replies = Object.entries(operation.responses).map(([status, { description, content }]) => {
    const schema = Object.values(content ?? {})[0]?.schema;
    return `<tr><td>${status}<td>${link(schema)}<td>${escaped(description)}`;
  });
  return `<h2 id="${escaped(operation.operationId)}">${escaped(operation.summary)}</h2>
<p><code>${method} ${escaped(path)}</code> needs ${escaped(needs)}.</p>
${operation.description ? `<p>${escaped(operation.description)}</p>` : ''}
${parameters.length > 0 ? `<table><tr><th>parameter<th>in<th>${parameters.join('')}</table>` : ''}
${body ? `<p>Body: ${link(body)}</p>` : ''}
<table><tr><th>reply<th>body<th>${replies.join('')}</table>`;
}

function link(schema: Readonly<Record<string, unknown>> | undefined): string {
  const reference = schema?.$ref;
  if (typeof reference !== 'string') return '';
  const name = escaped(reference.slice(reference.lastIndexOf('/') + 1));
  return `<a href="#${name}">${name}</a>`;
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
