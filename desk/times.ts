// Wall-clock texts and durations that an operator types. Pure: the present comes from the Clock port.

import { failure } from './problems';

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `1d`, `1h30m`; anything else ends the command as a usage error. */
export function durationMs(text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const totalMs = parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit as keyof typeof unitMs], 0);
  if (totalMs > 0 && parts.map(([part]) => part).join('') === text) return totalMs;
  throw failure('Usage', `'${text}' is not a duration`, 'write for example 30m, 2h or 1h30m');
}

/** The ISO time that is `ms` after another. */
export const laterIso = (iso: string, ms: number): string => new Date(Date.parse(iso) + ms).toISOString();

/** Between two ISO times, in ms; never negative: clocks of two machines differ. */
export const betweenMs = (fromIso: string, toIso: string): number =>
  Math.max(0, Date.parse(toIso) - Date.parse(fromIso));

/** `14:02:03.120` */
export const timeOfDay = (iso: string): string => iso.slice(11, 23);
