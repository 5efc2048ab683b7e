import type { Instance, Schemas } from "../api/client.ts";

/** A number's settings as they stand in a form. */
export interface Draft {
  name: string;
  isDefault: boolean;
  markRead: boolean;
  calls: Instance["settings"]["calls"];
  /** Seconds, as typed. */
  delay: string;
}

const LEAST_MS = 500;
const MOST_MS = 86_400_000;

export function draftOf(number: Instance): Draft {
  const { settings } = number;
  return {
    name: number.name,
    isDefault: number.isDefault,
    markRead: settings.markIncomingMessagesReadedOnReply,
    calls: settings.calls,
    delay: String(settings.delaySendMessagesMilliseconds / 1000),
  };
}

/** Milliseconds, or null if that is no possible pause. A comma is a point in most languages. */
export function secondsToMs(typed: string): number | null {
  const text = typed.trim().replace(",", ".");
  if (!/^\d+(\.\d+)?$/.test(text)) return null;
  const ms = Math.round(Number(text) * 1000);
  return LEAST_MS <= ms && ms <= MOST_MS ? ms : null;
}

/** What differs: a setting that is written needlessly restarts the number. */
export function changes(
  number: Instance,
  draft: Draft,
): { instance: Schemas["InstanceChange"] | null; isDefault: boolean } {
  const { settings } = number;
  const name = draft.name.trim();
  const delay = secondsToMs(draft.delay) ?? settings.delaySendMessagesMilliseconds;
  const changed = {
    ...(delay !== settings.delaySendMessagesMilliseconds && { delaySendMessagesMilliseconds: delay }),
    ...(draft.markRead !== settings.markIncomingMessagesReadedOnReply && {
      markIncomingMessagesReadedOnReply: draft.markRead,
    }),
    ...(draft.calls !== settings.calls && { calls: draft.calls }),
  };
  const instance = {
    ...(name !== number.name && { name }),
    ...(Object.keys(changed).length > 0 && { settings: changed }),
  };
  return {
    instance: Object.keys(instance).length > 0 ? instance : null,
    isDefault: draft.isDefault && !number.isDefault,
  };
}
