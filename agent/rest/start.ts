// Puts the node's REST API together: answers, what a POST leads to, lag and server, around a running agent.

import type { ClusterConfig } from '../../core/model';
import type { Clock, Events, Ids, Reports } from '../../core/ports';
import type { Agent } from '../agent';
import { createAnswers } from './answers';
import { ChangeDesk } from './change-desk';
import { createLag } from './lag';
import { type RestServer, type RestSettings, serveRest } from './server';

export interface RestParts {
  settings: RestSettings;
  agent: Pick<Agent, 'standing' | 'note'>;
  config: Pick<ClusterConfig, 'timings'>;
  reports: Reports;
  events: Events;
  clock: Clock;
  ids: Ids;
  log: (message: string, details?: Record<string, unknown>) => void;
}

export function startRest({ settings, agent, config, reports, events, clock, ids, log }: RestParts): RestServer {
  const standing = () => agent.standing();
  const lagBytes = createLag({ reports, clock, everyMs: config.timings.heartbeatMs, standing });
  const record = (rule: string, because: string) => {
    log(because, { rule });
    agent.note(rule, because);
  };
  const desk = new ChangeDesk({ events, clock, ids, record });
  const answersFor = (isKnown: (authorization: string | undefined) => boolean) =>
    createAnswers({ clock, standing, lagBytes, desk, isKnown });
  return serveRest({ settings, clock, answersFor, log });
}
