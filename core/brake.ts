// The fleet's brake: when more clusters fail over by themselves than one believes, the next ones wait for a person (T66). It counts
// clusters that were about to be claimed, in a window that begins with the first. Never safety relevant, and never in the way of a
// person. Pure; the counting is the port's.

import type { Outside } from './ports';

export interface BrakeLimits {
  /** So many clusters may always fail over in one window. */
  failovers: number;
  /** And so many of all clusters, in percent, when that is more. */
  percent: number;
  windowMs: number;
}

/**
 * An Availability Zone must be able to go without anybody being asked: of three it holds a third of the mains. More than half of all mains
 * lost within 10 minutes is no zone; it is the Region, the network or ourselves, and then a second look is worth more than a minute.
 * Ten are always let through: in a small fleet a percentage stops what a person would have done at once.
 */
export const defaultBrake: BrakeLimits = { failovers: 10, percent: 50, windowMs: 600_000 };

export interface BrakeWindow {
  /** Unique. */
  id: string;
  /** Wall clock, ms. */
  endsAtMs: number;
  /** Clusters that were let through. */
  taken: number;
}

export interface BrakeRelease {
  /** Wall clock, ms: until then nobody is held. */
  untilMs: number;
  by: string;
  reason: string;
}

export interface BrakeState {
  limits: BrakeLimits;
  /** How many clusters there are, as of the last deployment. */
  clusters: number;
  window: BrakeWindow | null;
  release: BrakeRelease | null;
}

/** How many clusters may fail over by themselves in one window. */
export const placesIn = ({ limits, clusters }: Pick<BrakeState, 'limits' | 'clusters'>): number =>
  Math.max(limits.failovers, Math.floor((clusters * limits.percent) / 100));

/** The window, while it lasts. */
export const openWindow = ({ window }: Pick<BrakeState, 'window'>, nowMs: number): BrakeWindow | null =>
  window !== null && nowMs < window.endsAtMs ? window : null;

export const isReleased = ({ release }: Pick<BrakeState, 'release'>, nowMs: number): boolean =>
  release !== null && nowMs < release.untilMs;

/** Nobody else is let through: the window is full and nobody has released it. */
export const isHeld = (state: BrakeState, nowMs: number): boolean =>
  !isReleased(state, nowMs) && (openWindow(state, nowMs)?.taken ?? 0) >= placesIn(state);

export interface Brake {
  /** Strongly consistent. null: no brake was ever configured, and nobody is held. */
  read(): Outside<BrakeState | null>;
  /** Keeps window and release as they are. */
  configure(limits: BrakeLimits, clusters: number): Outside<void>;
  /** Begins a window with its first place taken, only in the place of `was`; Refused when another has begun. Atomic. */
  open(was: BrakeWindow | null, window: BrakeWindow): Outside<void>;
  /** One more place of this window, if fewer than `places` are taken; Refused otherwise. Atomic: never more than that, however many ask. */
  take(windowId: string, places: number): Outside<void>;
  /** Window in which this cluster has a place already. Strongly consistent. */
  placeOf(cluster: string): Outside<string | null>;
  putPlace(cluster: string, windowId: string): Outside<void>;
  /** True for exactly one caller per window: the one who pages. Atomic. */
  mayPage(windowId: string): Outside<boolean>;
  release(release: BrakeRelease): Outside<void>;
}
