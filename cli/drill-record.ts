// What every drill that a person holds has in common: it does not begin where something is ill already, and it ends with its record in
// the journal, measured against what was asked for.

import { configOf, seatedLease } from '../desk/cluster';
import type { Desk } from '../desk/desk';
import { judgeGap } from '../desk/drill-gap';
import { type ExplainSources, explainSourcesOf, findingsOf } from '../desk/explanation';
import { Failure, failure } from '../desk/problems';
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
  const { met, text } = judgeGap(longestGapMs, objectiveMs);
  const because = `drill, ${what}${record.longestGapMs === undefined ? '' : `: ${text}`}`;
  const measures = { longestGapMs, objectiveMs, met };
  const act = { by, rule: 'drill', because, details: { ...details, ...measures } };
  await recordAct(session, await seatedLease(desk, cluster), act);
  screen.line((met ? screen.paint.green : screen.paint.red)(because));
  if (next !== undefined) screen.line(`next: ${next}`);
  screen.document({ cluster, ...document, ...measures, ...(next === undefined ? {} : { next }) });
  const where = `see where the time went: mainstay report ${cluster}, docs/timing.md`;
  if (!met) throw new Failure({ code: 'ObjectiveMissed', message: because, next: where }, true);
}
