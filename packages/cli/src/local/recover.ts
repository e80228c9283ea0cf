// `warder recover`: the way back in for who has the database and the secret but
// no management key. It makes one that lives an hour, and leaves an event.

import { recover as makeKey } from '@warder/core';
import { instanceGrant } from '@warder/server';
import type { Flags } from '../config.ts';
import type { Output } from '../output.ts';
import { openExisting, startFailure } from './installation.ts';

export async function recover(flags: Flags, output: Output): Promise<void> {
  const { storage, host } = await openExisting(flags);
  try {
    const { key, secret } = await makeKey(storage, instanceGrant(), host);
    const expires = new Date(key.expiresAt ?? 0).toISOString();
    output.newKey(
      secret,
      { id: key.id, key: secret, expires_at: expires },
      `This is a management key of the whole instance, good until ${expires}: make a lasting one with it. It is shown this once; its making is in the events.`,
    );
  } catch (error) {
    throw startFailure(error);
  } finally {
    await storage.close();
  }
}
