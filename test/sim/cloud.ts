// The control plane as it is deployed, in a model: executions that can be stopped and redriven, functions that run twice, die
// half-way or go on after their time, events and commands that come late, twice or never. Plans and steps are the product's.

import type { VirtualClock } from '../../adapters/memory/clock';
import type { MemoryExecutions } from '../../adapters/memory/executions';
import type { MemoryTasks } from '../../adapters/memory/tasks';
import { retry } from '../../core/errors';
import type { OperationKind } from '../../core/model';
import { isTogether } from '../../core/plan';
import type { MainstayEvent } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { executionName, type Observed } from '../../core/triggers';
import { interpret, type Outcome, type Sleep } from '../../workflows/interpreter';
import { plans } from '../../workflows/plans';
import { runStep, type StepCall } from '../../workflows/run-step';
import type { Ports } from '../../workflows/step';
import { sweep } from '../../workflows/sweep';
import { Life } from './life';
import type { Random } from './random';

export const stepFaults = {
  'step runs twice': 'its reply is lost, and it is run again on the same input (T48)',
  'step runs twice at once': 'two invocations of one step, side by side (T48)',
  'step dies half-way': 'the function is gone between two of its calls, and tried again',
  'step goes on after its time': 'the state machine has gone on, and an old invocation thaws (T5, T48)',
  'step starts late': 'a cold start, or a queue',
} as const;
export type StepFault = keyof typeof stepFaults;

export interface Execution {
  kind: OperationKind;
  name: string;
  input: object;
  /** Dies when somebody presses Stop; what its last function does goes on. */
  life: Life;
  /** What wakes it, when it sleeps. */
  token: string | null;
  /** The step it is at, and the state it was given. */
  at: StepCall | null;
  outcome: Outcome | null;
  stopped: boolean;
  redrivenAtMs: number | null;
}

export interface CloudParts {
  clock: VirtualClock;
  random: Random;
  executions: MemoryExecutions;
  tasks: MemoryTasks;
  /** Ports of one invocation; its calls pass the gate of its life. */
  ports: (life: Life) => Ports;
  tell: (what: string) => void;
  struck: (fault: string) => void;
  stepped: (call: StepCall, ok: boolean) => void;
  ended: (execution: Execution) => void;
}

/** Passes of the gate in one step: an answer passes twice, and steps make some five calls. */
const passesOfStep = 12;
const died = fail(
  retry('Unreachable', 'Lambda.Unknown: the function ended without an answer', 'the step is tried again'),
);

export class Cloud {
  readonly all: Execution[] = [];
  stoppedAtMs = Number.NEGATIVE_INFINITY;
  /** Chance that a step goes wrong, and that a message does. */
  stepTrouble = 0;
  messageTrouble = 0;
  /** A scenario's own way to run steps, or null. */
  stepRunner: typeof runStep | null = null;
  /** Told of every invocation before it begins and after it has ended, so that a test may stop things there. */
  beforeInvocation: (call: StepCall, life: Life) => unknown = () => undefined;
  afterInvocation: (call: StepCall) => unknown = () => undefined;

  constructor(private readonly parts: CloudParts) {}

  running(): Execution[] {
    return this.all.filter(({ outcome, stopped }) => outcome === null && !stopped);
  }

  /** One name, one execution (T49): a second start of the same name is refused, as Step Functions does. */
  start(kind: OperationKind, name: string, input: object): Promise<Outcome> | null {
    if (this.all.some((execution) => execution.name === name)) return null;
    const execution: Execution = {
      kind,
      name,
      input,
      life: new Life(),
      token: null,
      at: null,
      outcome: null,
      stopped: false,
      redrivenAtMs: null,
    };
    this.all.push(execution);
    this.parts.tell(`execution ${name} started`);
    return this.run(execution);
  }

  /** StopExecution: no further step begins; the one under way is not told. */
  stop(execution: Execution): void {
    this.parts.tell(`execution ${execution.name} stopped in the console at ${execution.at?.step ?? 'its start'}`);
    execution.life.die();
    if (execution.token !== null) this.parts.tasks.stop(execution.token);
    execution.stopped = true;
    this.stoppedAtMs = this.parts.clock.nowMs();
    this.parts.executions.ended(execution.name);
    this.parts.ended(execution);
    this.message('status event', () => void this.sweep());
  }

  /** functions/sweep.lambda.ts: called by the status event of an execution and by the clock. */
  async sweep(): Promise<void> {
    await sweep(this.parts.ports(new Life()), async (kind, name, input) => {
      void this.start(kind, name, input);
      return ok(undefined);
    });
  }

  /** RedriveExecution: goes on at the step where it was stopped, with the state of then; not in an undo list or a page. */
  redrive(execution: Execution): Promise<Outcome> | null {
    const { kind, at } = execution;
    const planned = plans[kind].entries.flatMap((entry) => (isTogether(entry) ? [...entry.together] : [entry]));
    if (at && !planned.some(({ step, ask }) => step === at.step || ask?.step === at.step)) return null;
    this.parts.tell(`execution ${execution.name} redriven at ${execution.at?.step ?? 'its start'}`);
    execution.life = new Life();
    execution.redrivenAtMs = this.parts.clock.nowMs();
    execution.stopped = false;
    execution.outcome = null;
    return this.run(execution, execution.at);
  }

  private async run(execution: Execution, at: StepCall | null = null): Promise<Outcome> {
    const { executions, ports, tell } = this.parts;
    const { kind, name, input, life } = execution;
    executions.began(name);
    const stepRunner: typeof runStep = async (_, call) => {
      await life.gate();
      execution.at = call;
      const result = await this.invoke(call);
      await life.gate();
      return result;
    };
    const options = { stepRunner, sleep: this.sleepOf(execution), ...(at ? { from: at.step } : {}) };
    const outcome = await interpret(ports(life), plans[kind], at?.state ?? input, name, options);
    execution.outcome = outcome;
    executions.ended(name);
    tell(`execution ${name} ${outcome.end}${outcome.problem ? `: ${outcome.problem.message}` : ''}`);
    this.parts.ended(execution);
    if (outcome.end !== 'done') this.message('status event', () => void this.sweep());
    return outcome;
  }

  /** With a task token; a sleeper that is stopped is woken by nobody. */
  private sleepOf(execution: Execution): Sleep {
    const { tasks, tell } = this.parts;
    const { life, name } = execution;
    return {
      begin: () => {
        execution.token = tasks.begin();
        return execution.token;
      },
      ended: async (token, timeoutMs) => {
        tell(`execution ${name} sleeps`);
        const woken = await tasks.ended(token, timeoutMs);
        await life.gate();
        execution.token = null;
        tell(`execution ${name} ${woken ? 'is woken' : 'was not woken in time'}`);
        return woken;
      },
    };
  }

  private async invoke(call: StepCall): ReturnType<typeof runStep> {
    const { random, struck, tell, stepped } = this.parts;
    let result: Awaited<ReturnType<typeof runStep>>;
    if (random.chance(this.stepTrouble)) {
      const fault = random.pick(Object.keys(stepFaults) as StepFault[]);
      struck(fault);
      tell(`${call.step}: ${fault}`);
      result = await this.faulty(fault, call);
    } else result = await this.once(call, new Life());
    stepped(call, result.ok);
    this.afterInvocation(call);
    return result;
  }

  private once(call: StepCall, life: Life): ReturnType<typeof runStep> {
    this.beforeInvocation(call, life);
    return (this.stepRunner ?? runStep)(this.parts.ports(life), call);
  }

  private async faulty(fault: StepFault, call: StepCall): ReturnType<typeof runStep> {
    const { clock, random } = this.parts;
    const life = new Life();
    const passes = Math.floor(random.between(0, passesOfStep));
    if (fault === 'step runs twice') {
      await this.once(call, life);
      return this.once(call, life);
    }
    if (fault === 'step runs twice at once')
      return (await Promise.all([this.once(call, life), this.once(call, life)]))[1];
    if (fault === 'step starts late') {
      await clock.sleep(random.between(500, 5000));
      return this.once(call, life);
    }
    life.afterPasses(passes, () => {
      if (fault === 'step dies half-way') return life.die();
      life.freeze();
      void clock.sleep(random.between(1000, Math.min(call.deadlineMs, 30_000))).then(() => life.melt());
    });
    return Promise.race([this.once(call, life), clock.sleep(random.between(300, 4000)).then(() => died)]);
  }

  // ---- messages

  /** Late, sometimes twice, sometimes never: EventBridge, and commands of SSM (T57, T67). */
  message(what: string, arrive: () => void): void {
    const { clock, random, struck } = this.parts;
    const goesWrong = random.chance(this.messageTrouble);
    const how = goesWrong ? random.pick(['lost', 'late', 'twice'] as const) : 'well';
    if (goesWrong) struck(`${what} ${how}`);
    if (how === 'lost') return;
    for (let times = how === 'twice' ? 2 : 1; times > 0; times--) {
      void clock.sleep(how === 'late' ? random.between(1000, 90_000) : random.between(5, 400)).then(arrive);
    }
  }

  /** EventBridge and dispatch: one name per failure, made of what was watched (core/triggers.ts). Only these two start anything. */
  deliver({ type, cluster, detail }: MainstayEvent): void {
    if (type !== 'Lease Expired' && type !== 'Engine Down') return;
    const watched = detail as unknown as Observed;
    const trigger = { kind: 'lease-expired', event: { id: '', type, time: '' }, observed: watched } as const;
    const name = executionName('failover', cluster, trigger, watched.epoch);
    this.message('event', () => void this.start('failover', name, { cluster, by: 'automatic', watched }));
  }
}
