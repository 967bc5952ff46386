// Patroni with one etcd in the `store` place. `default` is what Patroni sets when nobody sets anything; `tight` are the least
// values that its documentation names (loop_wait 1, ttl 20, retry_timeout 3, with loop_wait + 2 * retry_timeout <= ttl).

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Needs, postgresBinDir } from './needs';
import { Peer } from './peer';
import { databasePort, type NodeName, nodeNames, type Preset, until } from './system';

/** https://patroni.readthedocs.io/en/latest/dynamic_configuration.html; 3.0.2 accepts less without a word, later ones refuse it. */
const timings: Record<Preset, { ttl: number; loop_wait: number; retry_timeout: number }> = {
  default: { ttl: 30, loop_wait: 10, retry_timeout: 10 },
  tight: { ttl: 20, loop_wait: 1, retry_timeout: 3 },
};

export const patroniNeeds: Needs = [
  ['patroni', 'patroni'],
  ['patronictl', 'patroni'],
  ['etcd', 'etcd-server'],
];

const etcdPort = 2379;
const restPort = 8008;

interface Member {
  Member: string;
  Role: string;
  State: string;
}

export class Patroni extends Peer {
  readonly name = 'patroni';
  readonly replication = 'asynchronous';
  readonly timings = Object.entries(timings[this.preset])
    .map((pair) => pair.join(' '))
    .join(', ');

  protected async start(): Promise<void> {
    const etcd = `http://${this.addressOf('store')}`;
    const [client, peer] = [`${etcd}:${etcdPort}`, `${etcd}:${etcdPort + 1}`];
    const urls = { client, peer };
    const flags = Object.entries(urls).map(([kind, url]) => [`--listen-${kind}-urls`, url]);
    const told = ['--advertise-client-urls', client, '--initial-advertise-peer-urls', peer];
    const dir = ['--data-dir', join(this.dirOf('store'), 'etcd'), '--initial-cluster', `default=${peer}`];
    this.service('store', 'etcd', ...flags.flat(), ...told, ...dir);
    await until('etcd answers', async () =>
      (await this.tool('store', 'curl', '-s', '-m', '1', `${client}/health`)).includes('true'),
    );
    for (const node of nodeNames) {
      writeFileSync(this.configOf(node), JSON.stringify(this.settingsOf(node), null, 2));
      this.service(node, 'patroni', this.configOf(node));
      // The first one initialises the cluster, so that every run begins with the same main.
      if (node === 'db1') await until('db1 is main', async () => (await this.main()) === 'db1');
    }
  }

  protected async atEase(): Promise<boolean> {
    const members = JSON.parse(await this.control('list', '-f', 'json')) as Member[];
    const fine = members.filter(({ State }) => State === 'running' || State === 'streaming');
    return fine.length === nodeNames.length && members.filter(({ Role }) => Role === 'Leader').length === 1;
  }

  async switchover(to: NodeName): Promise<void> {
    const from = (await this.main()) ?? '';
    await this.control('switchover', 'bench', '--master', from, '--candidate', to, '--force');
  }

  private control = (...args: string[]): Promise<string> =>
    this.tool('store', 'patronictl', '-c', this.configOf('db1'), ...args);

  private configOf = (node: NodeName): string => join(this.dirOf(node), 'patroni.yml');

  /** JSON is YAML. */
  private settingsOf(node: NodeName): object {
    const [dir, address] = [this.dirOf(node), this.addressOf(node)];
    const trusted = ['local all all trust', 'host all all all trust', 'host replication all all trust'];
    return {
      scope: 'bench',
      name: node,
      restapi: { listen: `${address}:${restPort}`, connect_address: `${address}:${restPort}` },
      etcd3: { hosts: `${this.addressOf('store')}:${etcdPort}` },
      bootstrap: {
        dcs: { ...timings[this.preset], postgresql: { use_pg_rewind: true } },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'data-checksums'],
      },
      postgresql: {
        listen: `${address},127.0.0.1:${databasePort}`,
        connect_address: `${address}:${databasePort}`,
        data_dir: this.dataDirOf(node),
        bin_dir: postgresBinDir(),
        pgpass: join(dir, 'pgpass'),
        pg_hba: trusted,
        authentication: { superuser: { username: 'postgres' }, replication: { username: 'postgres' } },
        // The engine's shared memory has to go with the folder when it is killed.
        parameters: { unix_socket_directories: this.socketDirOf(node), dynamic_shared_memory_type: 'mmap' },
      },
      // This machine must not be reset by a watchdog of its own.
      watchdog: { mode: 'off' },
    };
  }
}
