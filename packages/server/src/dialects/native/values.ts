// The values that bodies of the native API are made of, as it gives them.

import { z } from 'zod';

export const moment = z.iso.datetime();
export const nullableMoment = moment.nullable();
export const uuid = z.uuid();
export const metadata = z
  .record(z.string(), z.json())
  .meta({ wire: { type: 'object', additionalProperties: true } });
export const scopes = z.array(z.string());
