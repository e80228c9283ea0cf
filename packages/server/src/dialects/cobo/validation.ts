// What is wrong with a request, in the words of the framework that Cobo's API is
// made with: FastAPI, whose rules are Pydantic's.

import type { FieldError } from '@warder/core';
import { z } from 'zod';

/** The sentence of each rule, by its type. One that is the beginning of another comes after it. */
export const RULES = {
  missing: 'Field required',
  string_type: 'Input should be a valid string',
  string_too_short: 'String should have at least 1 character',
  string_too_long: 'String should have at most 255 characters',
  list_type: 'Input should be a valid list',
  model_attributes_type: 'Input should be a valid dictionary or object to extract fields from',
  dict_type: 'Input should be a valid dictionary',
  int_parsing: 'Input should be a valid integer, unable to parse string as an integer',
  greater_than_equal: 'Input should be greater than or equal to',
  less_than_equal: 'Input should be less than or equal to',
  uuid_parsing: 'Input should be a valid UUID',
  datetime_parsing: 'Input should be a valid datetime',
  enum: "Input should be 'human' or 'agent'",
  json_invalid: 'JSON decode error',
} as const;

const MOST_CHARACTERS = 255;

export const Detail = z.object({
  loc: z.array(z.union([z.string(), z.int()])),
  msg: z.string(),
  type: z.string(),
});
export type Detail = z.output<typeof Detail>;

/** A field with its fault. What the domain says of one is a `value_error`. */
export function detailOf({ pointer, message, part }: FieldError): Detail {
  const named = part === undefined || part === 'body' ? bodyOr('query', pointer) : part;
  const loc = [named, ...stepsOf(pointer)];
  const rule = Object.entries(RULES).find(([, sentence]) => message.startsWith(sentence));
  if (rule !== undefined) return { loc, msg: message, type: rule[0] };
  return { loc, msg: `Value error, ${message}`, type: 'value_error' };
}

/** A fault of the domain names a member by a pointer, and a parameter by its name. */
function bodyOr(other: string, pointer: string): string {
  return pointer === '' || pointer.startsWith('/') ? 'body' : other;
}

function stepsOf(pointer: string): (string | number)[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return [pointer];
  const names = pointer.slice(1).split('/');
  return names.map((name) =>
    /^\d+$/.test(name) ? Number(name) : name.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
}

/** The sentence for a value that is not there, or of another kind. */
export const missingOr =
  (sentence: string) =>
  ({ input }: { input?: unknown }) =>
    input === undefined ? RULES.missing : sentence;

/** A text of 1 to 255 characters. */
export const text = () =>
  z
    .string({ error: missingOr(RULES.string_type) })
    .min(1, RULES.string_too_short)
    .refine((given) => [...given].length <= MOST_CHARACTERS, RULES.string_too_long)
    .meta({ maxLength: MOST_CHARACTERS });

/** A whole number as a parameter has it. */
export const whole = (least: bigint, most: bigint) =>
  z
    .string()
    .transform((given, context) => {
      const fault = faultOf(given, least, most);
      if (fault === null) return Number(given);
      context.addIssue({ code: 'custom', message: fault });
      return z.NEVER;
    })
    .meta({ wire: { type: 'integer', minimum: Number(least), maximum: Number(most) } });

function faultOf(given: string, least: bigint, most: bigint): string | null {
  if (!/^[+-]?\d{1,40}$/.test(given)) return RULES.int_parsing;
  // BigInt reads no plus.
  const number = BigInt(given.replace('+', ''));
  if (number < least) return `${RULES.greater_than_equal} ${least}`;
  return number > most ? `${RULES.less_than_equal} ${most}` : null;
}
