// Mainstay as a system under test: the seam between the scenario bench and the local stack in namespaces. Whoever has that stack
// gives it here; everything else of the bench takes it as it takes a peer.

import type { Preset, SystemUnderTest } from './system';

/** Not up yet. Null while the local stack has no network of its own. */
export const mainstay: ((preset: Preset) => SystemUnderTest) | null = null;
