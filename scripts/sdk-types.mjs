/**
 * Writes the SDK's types from the OpenAPI document: one exported type for each schema it names,
 * and one for the query of each operation that takes one. It knows the part of JSON Schema that
 * our document uses, and fails on anything else rather than guess.
 */

/** @typedef {Record<string, any>} Schema a JSON Schema, as the document holds it */

const scalars = /** @type {Record<string, string>} */ ({
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
});

/** What only narrows a value at run time, or is said elsewhere: types do not show it. */
const silent = new Set(
  'default description example exclusiveMinimum format maximum maxItems maxLength minimum minItems minLength pattern propertyNames'.split(
    ' ',
  ),
);

/** @param {import('@warder/server').ApiDocument} document @returns {string} */
export function sdkTypes({ paths, components }) {
  const schemas = Object.entries(components.schemas).map(([name, schema]) => declare(name, schema));
  const queries = Object.values(paths).flatMap(Object.values).flatMap(queryOf);
  return [
    '// Generated from the OpenAPI document by `npm run generate`. Do not edit.',
    '',
    '// The shapes of the API: what it gives, what it takes, and the queries of its lists.',
    '',
    ...schemas,
    ...queries,
  ].join('\n');
}

/** @param {import('@warder/server').ApiDocument['paths'][string][string]} operation */
function queryOf({ operationId, parameters = [] }) {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  if (query.length === 0) return [];
  const properties = Object.fromEntries(
    query.map(({ name, schema, description }) => [name, { ...schema, description }]),
  );
  const name = operationId.charAt(0).toUpperCase() + operationId.slice(1);
  return [declare(`${name}Query`, { type: 'object', properties, additionalProperties: false })];
}

/** @param {string} name @param {Schema} schema */
function declare(name, schema) {
  return `${comment(schema)}export type ${name} = ${typeOf(schema)};\n`;
}

/** @param {Schema} schema @returns {string} */
function typeOf(schema) {
  const { type, properties, required, additionalProperties, items, ...rest } = schema;
  const { $ref, anyOf, oneOf, enum: values, const: only, ...unread } = rest;
  for (const word of Object.keys(unread)) {
    if (!silent.has(word)) throw new Error(`sdk-types.mjs does not know the JSON Schema "${word}"`);
  }
  if ($ref) return $ref.replace('#/components/schemas/', '');
  if (anyOf || oneOf) return union((anyOf ?? oneOf).map(typeOf));
  if (only !== undefined) return JSON.stringify(only);
  if (values) return union(values.map((/** @type {unknown} */ value) => JSON.stringify(value)));
  if (Array.isArray(type)) return union(type.map((one) => typeOf({ ...schema, type: one })));
  if (type === 'array') return `readonly (${typeOf(items ?? {})})[]`;
  if (type === 'object') return objectType(properties ?? {}, required ?? [], additionalProperties);
  const scalar = scalars[type];
  if (scalar) return scalar;
  if (type !== undefined) throw new Error(`sdk-types.mjs does not know the type "${type}"`);
  return 'unknown';
}

/** @param {Record<string, Schema>} properties @param {string[]} required @param {boolean | Schema | undefined} more */
function objectType(properties, required, more) {
  const members = Object.entries(properties).map(([name, schema]) => {
    const type = typeOf(schema);
    return required.includes(name)
      ? `${comment(schema)}readonly ${name}: ${type};`
      : `${comment(schema)}readonly ${name}?: ${type} | undefined;`;
  });
  if (members.length > 0) return `{\n${members.join('\n')}\n}`;
  const value = typeof more === 'object' ? typeOf(more) : 'unknown';
  return `{ readonly [name: string]: ${value} }`;
}

/** @param {string[]} types */
function union(types) {
  return [...new Set(types)].join(' | ');
}

/** @param {Schema} schema */
function comment({ description }) {
  return description ? `/** ${description} */\n` : '';
}
