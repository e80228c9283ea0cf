// The named schemas of an OpenAPI document, collected as they are referred to, and
// the JSON Schema of any other.

import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Which side of a schema is on the wire: what is sent (`input`) or what is answered (`output`). */
export type Side = 'input' | 'output';

export interface Components {
  /** The schema itself, or a reference to it where it has a name. */
  refer(schema: z.ZodType, side: Side): JsonSchema;
  /** The named schemas that were referred to, by name. */
  schemas(): Readonly<Record<string, JsonSchema>>;
}

export function createComponents(named: Readonly<Record<string, z.ZodType>>): Components {
  const names = new Map<unknown, string>(Object.entries(named).map(([name, it]) => [it, name]));
  const collected = new Map<string, JsonSchema>();

  const refer = (schema: z.ZodType, side: Side): JsonSchema => {
    const name = names.get(schema);
    if (name === undefined) return convert(schema, side);
    if (!collected.has(name)) {
      collected.set(name, {});
      collected.set(name, convert(schema, side));
    }
    return { $ref: `#/components/schemas/${name}` };
  };

  // A schema that reads text from the wire says under `wire` what stands on the
  // wire, and a format says more than the pattern that checks it.
  const convert = (schema: z.ZodType, side: Side): JsonSchema => {
    const {
      $schema: _,
      $defs: __,
      ...json
    } = z.toJSONSchema(schema, {
      io: side,
      override: ({ zodSchema, jsonSchema, path }) => {
        // Every schema made with zod is a ZodType; its inner types say only what they share.
        const inner = zodSchema as unknown as z.ZodType;
        if (path.length > 0 && names.has(inner)) return replace(jsonSchema, refer(inner, side));
        const { wire, description, format } = jsonSchema as JsonSchema;
        if (typeof wire === 'object') {
          replace(jsonSchema, { ...(description ? { description } : {}), ...wire });
        }
        if (format !== undefined) delete jsonSchema.pattern;
      },
    });
    return json;
  };

  return {
    refer,
    schemas: () =>
      Object.fromEntries([...collected].sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function replace(made: Record<string, unknown>, by: JsonSchema): void {
  for (const name of Object.keys(made)) delete made[name];
  Object.assign(made, by);
}
