// The demo's story: cluster up, a client writing, the main killed, failover, recover, switchover. Tells each event as one
// line as it happens and gives the measured result; judges nothing away.

import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDocumentClient } from '../adapters/aws/clients';
import { createJournal } from '../adapters/aws/journal';
import { createLeaseStore } from '../adapters/aws/lease-store';
import { createReports } from '../adapters/aws/reports';
import { createSystemIds } from '../adapters/system';
import type { Lease } from '../core/model';
import type { Journal, JournalEntry, LeaseStore, Reports } from '../core/ports';
import { WritingClient } from './client';
import type { Stack } from './stack';
import { tellingOf } from './telling';

export interface StepTime {
  name: string;
  ms: number;
}

export interface StoryResult {
  failover: {
    writeGapMs: number;
    ackedWrites: number;
    lostWrites: number;
    epochBefore: number;
    epochAfter: number;
    oldMain: string;
    newMain: string;
    fenceProof: string;
    steps: StepTime[];
  };
  recover: { ms: number; method: string };
  switchover: { writeGapMs: number; lostWrites: number; oldMain: string; newMain: string; steps: StepTime[] };
}

export type Tell = (sinceMs: number | null, what: string, text: string) => void;

const patienceMs = 60_000;

export class Story {
  private readonly journal: Journal;
  private readonly leases: LeaseStore;
  private readonly reports: Reports;
  private readonly told = new Set<string>();

  constructor(
    private readonly stack: Stack,
    private readonly tell: Tell,
  ) {
    const { environment, stackName } = stack.facts;
    const client = new DynamoDBClient({
      endpoint: environment.AWS_ENDPOINT_URL,
      region: environment.AWS_REGION,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const table = { client: createDocumentClient(client), name: stackName };
    this.journal = createJournal(table, createSystemIds());
    this.leases = createLeaseStore(table);
    this.reports = createReports(table);
  }

  /** Seats the first main and waits until every backup follows it. */
  async begin(): Promise<void> {
    const { cluster, nodes } = this.stack.facts;
    await this.until('every agent reports', async () => {
      const listed = await this.reports.list(cluster);
      return listed.ok && listed.value.filter(({ engine }) => engine.running).length === nodes.length;
    });
    await this.command('start', cluster, '--node', nodes[0]?.name ?? '');
    await this.until('every backup follows', async () => {
      const listed = await this.reports.list(cluster);
      return listed.ok && listed.value.filter(({ engine }) => engine.streaming).length === nodes.length - 1;
    });
    const { holder, epoch } = await this.lease();
    this.tell(null, 'cluster up', `${nodes.length} nodes, ${holder} is main at epoch ${epoch}`);
    this.forget(await this.entries());
  }

  async run(): Promise<StoryResult> {
    const { door, vip } = this.stack.facts;
    const { host, port } = vip;
    const client = new WritingClient({ host: door, port });
    await client.start();
    await client.flows(50, patienceMs);
    this.tell(
      null,
      'client',
      `writes every 20 ms through the VIP ${host}:${port}; ${client.acknowledged} writes acknowledged`,
    );
    try {
      const failover = await this.failover(client);
      const recover = await this.recover(failover.oldMain);
      const switchover = await this.switchover(client, failover.oldMain);
      await client.stop();
      const main = this.stack.node(switchover.newMain);
      // Checked at the very end, on the main that survived everything.
      return {
        failover: { ...failover, ackedWrites: client.acknowledged },
        recover,
        switchover: {
          ...switchover,
          lostWrites: (await client.lost(this.stack.hostOf(main.name), main.port)) - failover.lostWrites,
        },
      };
    } finally {
      await client.stop();
    }
  }

  private async failover(client: WritingClient): Promise<StoryResult['failover']> {
    const before = await this.lease();
    const oldMain = before.holder ?? '';
    const killedAtMs = performance.now();
    this.tell(0, 'killed', `${oldMain}: kill -9 of the whole node`);
    const killed = this.stack.order('pull-plug', oldMain);
    const follow = this.follow(killedAtMs, client);
    await killed;
    const operation = await this.ended('failover', before.epoch + 1);
    await follow.stop();
    const after = await this.lease();
    const label = after.shunned[oldMain]?.label ?? 'not shunned';
    this.tell(performance.now() - killedAtMs, 'shunned', `${oldMain} is ${label}${after.hold ? ', hold set' : ''}`);
    const newMain = after.holder ?? '';
    return {
      writeGapMs: Math.round(client.longestGap(killedAtMs).ms),
      ackedWrites: client.acknowledged,
      lostWrites: await this.lostNow(client, newMain),
      epochBefore: before.epoch,
      epochAfter: after.epoch,
      oldMain,
      newMain,
      fenceProof: after.fence?.how ?? 'none',
      steps: await this.steps(operation),
    };
  }

  private lostNow(client: WritingClient, main: string): Promise<number> {
    return client.lost(this.stack.hostOf(main), this.stack.node(main).port);
  }

  private async recover(node: string): Promise<StoryResult['recover']> {
    const startedAtMs = performance.now();
    this.tell(0, 'recover', `mainstay recover ${this.stack.facts.cluster} ${node}`);
    const follow = this.follow(startedAtMs);
    await this.command('recover', this.stack.facts.cluster, node);
    await follow.stop();
    const ms = Math.round(performance.now() - startedAtMs);
    const rejoined = (await this.entries()).findLast(({ rule }) => rule === 'rejoin');
    return { ms, method: String(rejoined?.details?.method ?? 'unknown') };
  }

  private async switchover(client: WritingClient, to: string): Promise<Omit<StoryResult['switchover'], 'lostWrites'>> {
    const before = await this.lease();
    const { cluster } = this.stack.facts;
    // As an operator would: look at the plan, run exactly that, read what it came to.
    const planned = await this.command('switch', cluster, '--to', to, '--dry-run', '--json');
    const plan: { id: string; expected: { writeGapMs: number }; atRisk: string } = JSON.parse(planned);
    this.tell(null, 'plan', `${plan.id}: no writes for about ${plan.expected.writeGapMs} ms; at risk: ${plan.atRisk}`);
    const startedAtMs = performance.now();
    this.tell(0, 'apply', `mainstay switch ${cluster} --apply ${plan.id}`);
    const follow = this.follow(startedAtMs, client);
    await this.command('switch', cluster, '--apply', plan.id);
    await follow.stop();
    const { writeGap }: { writeGap: { ms: number; bound: string } | null } = JSON.parse(
      await this.command('report', cluster, '--json'),
    );
    this.tell(
      null,
      'report',
      `no writes for ${writeGap?.bound} ${writeGap?.ms} ms, by the journal: mainstay report ${cluster}`,
    );
    const operation = (await this.entries()).findLast(({ rule }) => rule === 'transfer')?.operation ?? '';
    return {
      writeGapMs: Math.round(client.longestGap(startedAtMs).ms),
      oldMain: before.holder ?? '',
      newMain: (await this.lease()).holder ?? '',
      steps: await this.steps(operation),
    };
  }

  // ---- what happened, from the journal

  /** Tells new journal entries as they come and, once writes flow again, the first one after the gap. */
  private follow(sinceMs: number, client?: WritingClient): { stop: () => Promise<void> } {
    let going = true;
    let vipMoved = false;
    let awaited = client;
    const offsetMs = Date.now() - performance.now();
    const tellFirstWrite = () => {
      const endedAtMs = awaited?.longestGap(sinceMs).endedAtMs ?? null;
      if (endedAtMs === null) return;
      awaited = undefined;
      this.tell(endedAtMs - sinceMs, 'first write', 'accepted through the VIP');
    };
    const look = async () => {
      for (const entry of await this.entries()) {
        const key = `${entry.at} ${entry.actor} ${entry.rule}`;
        if (this.told.has(key)) continue;
        this.told.add(key);
        for (const { what, text } of tellingOf(entry)) this.tell(Date.parse(entry.at) - offsetMs - sinceMs, what, text);
        if (entry.rule === 'move-vip') vipMoved = true;
      }
      if (vipMoved) tellFirstWrite();
    };
    const done = (async () => {
      while (going) {
        await look();
        await delay(50);
      }
      await look();
      await client?.flows(10, patienceMs);
      tellFirstWrite();
    })();
    return {
      stop: async () => {
        going = false;
        await done;
      },
    };
  }

  private async entries(): Promise<JournalEntry[]> {
    const listed = await this.journal.list(this.stack.facts.cluster);
    return listed.ok ? listed.value : [];
  }

  private forget(entries: JournalEntry[]): void {
    for (const { at, actor, rule } of entries) this.told.add(`${at} ${actor} ${rule}`);
  }

  private async steps(operation: string): Promise<StepTime[]> {
    return (await this.entries())
      .filter((entry) => entry.operation === operation && entry.kind === 'step')
      .map(({ rule, ms }) => ({ name: rule, ms: ms ?? 0 }));
  }

  private async lease(): Promise<Lease> {
    const read = await this.leases.read(this.stack.facts.cluster);
    if (!read.ok || read.value === null) throw new Error('the lease cannot be read');
    return read.value;
  }

  /** Name of the operation that ended at this epoch. */
  private async ended(kind: string, epoch: number): Promise<string> {
    let operation = '';
    await this.until(`the ${kind} ends`, async () => {
      const end = (await this.entries()).findLast((entry) => entry.rule === 'end' && entry.epoch >= epoch);
      operation = end?.operation ?? '';
      return end !== undefined;
    });
    return operation;
  }

  private async command(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.stack.cli(...args);
    if (code !== 0) throw new Error(`mainstay ${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
    return stdout;
  }

  private async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + patienceMs;
    while (!(await holds())) {
      if (performance.now() > endMs) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
      await delay(50);
    }
  }
}
