// What a node was asked for is believed of its own cluster only. There are no state machines in this process: whoever gets as far as
// starting one fails for want of them.

import { handler } from '../../../functions/change.lambda';

const detail = {
  cluster: 'alpha',
  epoch: 3,
  node: 'db2',
  change: 'MAIN',
  kind: 'switchover',
  to: 'db2',
  by: 'rest:192.0.2.1',
  request: 'request-1',
};
const asked = (source: string) =>
  handler({ source, 'detail-type': 'Change Requested', detail } as unknown as Parameters<typeof handler>[0]);

test.each(['mainstay.beta', 'mainstay', 'mainstay.alpha2'])(
  'a request about alpha from %s is refused',
  async (source) => {
    await expect(asked(source)).rejects.toThrow(`comes from ${source}`);
  },
);

test("a request of the cluster's own node goes on to its state machine", async () => {
  await expect(asked('mainstay.alpha')).rejects.toThrow('MAINSTAY_STATE_MACHINES');
});
