// A node that cannot have a gate: it says so, promises nothing and is in nobody's way; settings that are wrong are another matter.

import { createSystemClock, createSystemIds } from '../../../adapters/system';
import { installGate } from '../../../agent/gate/nftables';
import { problem, value } from '../../support/samples';

const options = {
  settings: { cluster: 'shop', ports: [5432], peers: ['198.51.100.2'], loopback: 'gated' as const },
  clock: createSystemClock(),
  ids: createSystemIds(),
  nft: ['no-such-program'],
};

it('is absent where there is no nft, says why, and takes every call without a fault', async () => {
  const gate = value(await installGate(options));
  expect(await gate.status()).toMatchObject({ state: 'absent', leftMs: null, problem: expect.stringContaining('nft') });
  value(await gate.confirm(value(await gate.promise(1000))));
  for (const call of [gate.openReadOnly, gate.shut, gate.remove]) value(await call());
  expect((await gate.status()).state).toBe('absent');
});

it('settings that are wrong are refused, not taken for a node without a gate', async () => {
  const settings = { ...options.settings, ports: [22] };
  expect(problem(await installGate({ ...options, settings })).code).toBe('BadSettings');
});
