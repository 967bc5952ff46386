// What every rehearsal has in common: it does not begin where something is ill already, and it ends with its record in the journal,
// measured against what was asked for. Must never call a gap met that nobody measured.

import { configOf, seatedLease } from '../desk/cluster';
import type { Desk } from '../desk/desk';
import { type ExplainSources, explainSourcesOf, findingsOf } from '../desk/explanation';
import type { Outcome } from '../desk/outcome';
import { Failure, failure } from '../desk/problems';
import { durationText } from '../desk/texts';
import { recordAct } from './lease-change';
import type { Session } from './session';

/** What the cluster looks like, if a drill may begin: it must not be the first to find out what is ill. */
export async function readyForDrill(desk: Desk, cluster: string): Promise<ExplainSources> {
  await configOf(desk, cluster);
  const sources = await explainSourcesOf(desk, cluster);
  const dangers = findingsOf(sources).filter(({ level }) => level === 'danger');
  if (dangers.length > 0)
    throw failure(
      'NotReady',
      `no drill now: ${dangers.map(({ what }) => what).join('; ')}`,
      `mainstay explain ${cluster}`,
    );
  return sources;
}

/** null: not measured in one of them, which is not the same as none; nor is a gap of which only a part is known. */
export function longestGap(outcomes: readonly Outcome[]): number | null {
  const gaps = outcomes.flatMap(({ writeGap }) => (writeGap?.bound === 'at most' ? [writeGap.ms] : []));
  return gaps.length < outcomes.length ? null : Math.max(...gaps);
}

export interface DrillRecord {
  cluster: string;
  by: string;
  /** What was done, as a sentence without its end. */
  what: string;
  /** null: nobody could write, and nobody knows for how long. Left out: the role did not move. */
  longestGapMs?: number | null;
  objectiveMs: number | null;
  /** More for the journal. */
  details: Record<string, unknown>;
  /** More for the JSON document. */
  document: Record<string, unknown>;
  /** What remains to be done, if anything. */
  next?: string;
}

/** Writes the record, tells it, and ends the command with 1 when the objective was missed. */
export async function concludeDrill(session: Session, record: DrillRecord): Promise<void> {
  const { desk, screen } = session;
  const { cluster, by, what, longestGapMs = null, objectiveMs, details, document, next } = record;
  const met = objectiveMs === null || (longestGapMs !== null && longestGapMs <= objectiveMs);
  const gap = record.longestGapMs === undefined ? '' : `: ${gapText(longestGapMs, objectiveMs, met)}`;
  const because = `drill, ${what}${gap}`;
  const measures = { longestGapMs, objectiveMs, met };
  const act = { by, rule: 'drill', because, details: { ...details, ...measures } };
  await recordAct(session, await seatedLease(desk, cluster), act);
  screen.line((met ? screen.paint.green : screen.paint.red)(because));
  if (next !== undefined) screen.line(`next: ${next}`);
  screen.document({ cluster, ...document, ...measures, ...(next === undefined ? {} : { next }) });
  const where = `see where the time went: mainstay report ${cluster}, docs/timing.md`;
  if (!met) throw new Failure({ code: 'ObjectiveMissed', message: because, next: where }, true);
}

function gapText(longestGapMs: number | null, objectiveMs: number | null, met: boolean): string {
  const gap =
    longestGapMs === null
      ? 'how long there were no writes was NOT MEASURED'
      : `no writes for at most ${durationText(longestGapMs)}`;
  const asked = objectiveMs === null ? '' : `, ${durationText(objectiveMs)} were asked for: ${met ? 'met' : 'MISSED'}`;
  return gap + asked;
}
