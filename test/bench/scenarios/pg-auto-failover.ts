// pg_auto_failover: its monitor in the `store` place, three nodes with its own defaults, which replicate synchronously to any one
// of two. `tight` turns down the times that its documentation says decide about a failover, and keeps what makes it safe: a main
// that hears nobody stops before another is promoted.

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { extensionPackage, type Needs, postgresBinDir } from './needs';
import { Peer, type Place } from './peer';
import { databasePort, type NodeName, nodeNames, type Preset, until } from './system';

interface Times {
  /** Settings of the monitor. */
  monitor: Record<string, number>;
  /** Settings of every node's keeper. */
  keeper: Record<string, number>;
}

/**
 * https://pg-auto-failover.readthedocs.io/en/main/ref/configuration.html. A keeper reports once a second, so a node is silent after
 * three; 3 s until a cut main stops, 5 s until another is promoted.
 */
const times: Record<Preset, Times> = {
  default: { monitor: {}, keeper: {} },
  tight: {
    monitor: {
      health_check_period: 1000,
      health_check_timeout: 1000,
      health_check_max_retries: 1,
      health_check_retry_delay: 500,
      node_considered_unhealthy_timeout: 3000,
      primary_demote_timeout: 5000,
    },
    keeper: { network_partition_timeout: 3 },
  },
};

export const pgAutoFailoverNeeds: Needs = [
  ['pg_autoctl', 'pg-auto-failover-cli'],
  [join(postgresBinDir(), '../lib/pgautofailover.so'), extensionPackage('auto-failover')],
];

/** startup_grace_period of the monitor, in s: it decides about no failover before. */
const graceSeconds = 10;

export class PgAutoFailover extends Peer {
  readonly name = 'pg_auto_failover';
  readonly replication = 'synchronous, any 1 of 2';
  readonly timings =
    Object.entries({ ...times[this.preset].monitor, ...times[this.preset].keeper })
      .map((pair) => pair.join(' '))
      .join(', ') || 'as installed';

  protected async start(): Promise<void> {
    await this.create('store', 'monitor', '--hostname', this.addressOf('store'), '--auth', 'trust', '--no-ssl');
    const settings = Object.entries(times[this.preset].monitor).map(([name, ms]) => `pgautofailover.${name} = ${ms}`);
    appendFileSync(join(this.dataDirOf('store'), 'postgresql.conf'), this.lines(...settings));
    this.keep('store');
    await until('the monitor answers', async () => (await this.monitor('select 1')).length === 1);
    for (const node of nodeNames) {
      await this.join(node);
      // The next one copies from it.
      if (node === 'db1') await until('db1 is main', async () => (await this.main()) === 'db1');
    }
  }

  private async join(node: NodeName): Promise<void> {
    const monitor = `postgres://autoctl_node@${this.addressOf('store')}:${databasePort}/pg_auto_failover?sslmode=disable`;
    const asNode = ['--name', node, '--hostname', this.addressOf(node), '--dbname', 'postgres', '--monitor', monitor];
    await this.create(node, 'postgres', ...asNode, '--auth', 'trust', '--no-ssl', '--pg-hba-lan');
    for (const [name, value] of Object.entries(times[this.preset].keeper))
      await this.control(node, 'config', 'set', `timeout.${name}`, String(value));
    // Backups get it with their copy.
    if (node === 'db1') appendFileSync(join(this.dataDirOf(node), 'postgresql.conf'), this.lines());
    this.keep(node);
  }

  protected async atEase(): Promise<boolean> {
    const states = await this.monitor<{ state: string }>(
      'select reportedstate::text state from pgautofailover.node where reportedstate = goalstate and health = 1',
    );
    const graceOver = `select 1 from pg_postmaster_start_time() started where now() - started > '${graceSeconds} s'`;
    return (
      states.filter(({ state }) => state === 'primary').length === 1 &&
      states.filter(({ state }) => state === 'secondary').length === nodeNames.length - 1 &&
      (await this.monitor(graceOver)).length === 1
    );
  }

  async switchover(to: NodeName): Promise<void> {
    await this.control(to, 'perform', 'promotion', '--name', to);
  }

  protected override envOf(place: Place): Record<string, string> {
    const dir = this.dirOf(place);
    const folders = { XDG_CONFIG_HOME: join(dir, 'config'), XDG_DATA_HOME: join(dir, 'share'), TMPDIR: dir };
    return {
      ...super.envOf(place),
      ...folders,
      PGHOST: this.socketDirOf(place),
      PG_REGRESS_SOCK_DIR: this.socketDirOf(place),
    };
  }

  private monitor = <Row extends object>(sql: string): Promise<Row[]> => this.query(`store`, sql, 'pg_auto_failover');

  private create = (place: Place, kind: string, ...args: string[]): Promise<string> => {
    const port = ['--pgport', String(databasePort), '--pgctl', join(postgresBinDir(), 'pg_ctl')];
    return this.control(place, 'create', kind, ...port, ...args);
  };

  private control = (place: Place, ...args: string[]): Promise<string> =>
    this.tool(place, 'pg_autoctl', ...args, '--pgdata', this.dataDirOf(place));

  private keep(place: Place): void {
    this.service(place, 'pg_autoctl', 'run', '--pgdata', this.dataDirOf(place));
  }

  /** The engine's shared memory has to go with the folder when it is killed. */
  private lines = (...settings: string[]): string =>
    ['', 'dynamic_shared_memory_type = mmap', ...settings, ''].join('\n');
}
