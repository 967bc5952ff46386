// When a drill is due: a window of the week, as RDS writes its maintenance windows. Pure; the time is a wall clock, because nothing safe
// depends on it.

import type { NodeName } from './model';

export interface DrillConfig {
  /** `sun:03:00-sun:04:00`, UTC: a drill begins within it, once. */
  window: string;
  /** What is asked for: no writes for at most this long, in ms. */
  rtoMs: number;
  /** Who is main in between; absent: whoever a switchover would choose. */
  to?: NodeName;
}

export interface DrillWindow {
  /** `20261122`: the day on which it began. */
  id: string;
  /** Since it began, in ms. */
  sinceMs: number;
  open: boolean;
  /** In the hour after it. */
  justOver: boolean;
}

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const time = '([01]\\d|2[0-3]):([0-5]\\d)';
const windowPattern = new RegExp(`^(${days.join('|')}):${time}-(${days.join('|')}):${time}$`);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const weekMs = 7 * 24 * hourMs;

const inWeek = (day = '', hour = '', minute = ''): number =>
  days.indexOf(day) * 24 * hourMs + Number(hour) * hourMs + Number(minute) * minuteMs;
const around = (ms: number): number => ((ms % weekMs) + weekMs) % weekMs;

/** Begin and length in ms, the begin since Sunday 00:00; null when it is not written as it should be, or has no length. */
export function windowOf(text: string): { beginMs: number; lengthMs: number } | null {
  const parts = windowPattern.exec(text);
  if (!parts) return null;
  const beginMs = inWeek(parts[1], parts[2], parts[3]);
  const lengthMs = around(inWeek(parts[4], parts[5], parts[6]) - beginMs);
  return lengthMs > 0 ? { beginMs, lengthMs } : null;
}

/** 1 January 1970 was a Thursday. */
const firstSundayMs = 3 * 24 * hourMs;

/** The latest window that has begun; `now`: ISO. */
export function latestWindow(text: string, now: string): DrillWindow | null {
  const window = windowOf(text);
  if (window === null) return null;
  const nowMs = Date.parse(now);
  const sinceMs = around(nowMs - firstSundayMs - window.beginMs);
  const id = new Date(nowMs - sinceMs).toISOString().slice(0, 10).replace(/-/g, '');
  const overMs = sinceMs - window.lengthMs;
  return { id, sinceMs, open: overMs < 0, justOver: overMs >= 0 && overMs < hourMs };
}
