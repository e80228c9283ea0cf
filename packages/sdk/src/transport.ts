// How a call travels. What a client sends and hears is the same over any of these;
// which one a client has by itself, package.json says by the runtime (`#transport`).

export interface Outgoing {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Ends the call, also while its answer is read. */
  readonly ending: Ending;
  /** Whether it may be sent again where a connection that was kept turns out to be closed. */
  readonly repeatable: boolean;
}

/** What an AbortSignal says, without what one costs where nobody asks for it. */
export interface Ending {
  readonly ended: boolean;
  /** Made when it is first asked for. */
  readonly signal: AbortSignal;
  /** Called once, when it ends; one at a time. */
  onEnd: (() => void) | null;
}

export interface Incoming {
  readonly status: number;
  /** @param name in lower case */
  header(name: string): string | null;
  /** All of the body. */
  text(): Promise<string>;
  /** The next piece of it; undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  /** Ends the call where nobody takes the rest. Never rejects. */
  cancel(): Promise<void>;
}

/** Rejects with whatever the runtime says. Follows no redirect: a body could carry a key to somebody else. */
export type Transport = (outgoing: Outgoing) => Promise<Incoming>;

export function overFetch(fetch: typeof globalThis.fetch): Transport {
  return async ({ method, url, headers, body, ending }) => {
    const { signal } = ending;
    const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' });
    const reader = once(() => response.body?.getReader());
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      text: () => response.text(),
      read: async () => (await reader()?.read())?.value,
      cancel: async () =>
        await reader()
          ?.cancel()
          .catch(() => {}),
    };
  };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
