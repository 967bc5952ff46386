// What the benchmark measured: the document of --json, raw, so that other summaries can be made of it.

import type { StoryResult } from '../../local/story';
import type { ColdTimes } from './cold';
import type { NodeAtRest } from './rest';

export interface BenchResult {
  machine: { cores: number; processor: string; memoryGiB: number; node: string; postgres: string };
  /** How long each cluster was watched at rest, in s. */
  restSeconds: number;
  runs: { atRest: NodeAtRest[]; story: StoryResult }[];
  cold: ColdTimes | null;
}
