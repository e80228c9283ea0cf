// How a client calls where nothing but the web's standards is known: by the runtime's
// own `fetch`, whichever that is at the time.

import { overFetch, type Transport } from './transport.ts';

export const transport: Transport = overFetch((...call) => globalThis.fetch(...call));
