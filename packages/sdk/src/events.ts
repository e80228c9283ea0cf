// The calls about events: pages of the audit log, and all of it as it is read.

import { type Listing, listing } from './page.ts';
import type { CallOptions, Send } from './request.ts';
import type { Event, EventPage, ExportEventsQuery, ListEventsQuery } from './schema.gen.ts';

export function eventCalls(send: Send) {
  return {
    list: (query: ListEventsQuery = {}, call: CallOptions = {}): Listing<Event> =>
      listing(query, (page) =>
        send<EventPage>({ ...call, method: 'GET', path: ['v1', 'events'], query: page }),
      ),

    /** All that match, oldest first, however many: no more of them are held than were taken. */
    export: (query: ExportEventsQuery = {}, call: CallOptions = {}): AsyncIterable<Event> =>
      send.lines<Event>({ ...call, method: 'GET', path: ['v1', 'events', 'export'], query }),
  };
}
