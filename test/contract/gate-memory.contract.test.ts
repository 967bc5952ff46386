// The gate's contract in memory: what the simulation may believe of it. On the real kernel: gate.contract.test.ts.

import { createMemoryGate, MemoryKernel } from '../support/memory-gate';
import { type From, gateContract } from './suites/gate';

gateContract('memory', async () => {
  let nowMs = 1000;
  const kernel = new MemoryKernel({ nowMs: () => nowMs });
  const sessions: { from: From; ended: boolean }[] = [];
  const passes = (from: From) => from === 'peer' || kernel.passes();
  kernel.cut = () => {
    for (const session of sessions) session.ended ||= session.from === 'client';
  };
  return {
    gate: createMemoryGate(kernel),
    another: () => createMemoryGate(kernel),
    connect: async (from) => {
      if (!passes(from)) return null;
      const session = { from, ended: false };
      sessions.push(session);
      const acknowledged = async () => !session.ended && passes(from);
      return { acknowledged, acknowledgedLate: acknowledged, ended: async () => session.ended };
    },
    passed: async (ms) => {
      nowMs += ms;
    },
    flush: async () => {
      kernel.rules = null;
    },
  };
});
