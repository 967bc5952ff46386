// The whole command line as one function: arguments in, exit code out. Everything it touches comes in as `World`,
// so that tests run it in their own process. The one place where a problem is caught and printed.

import { Command, CommanderError } from 'commander';
import type { Desk } from '../desk/desk';
import { exitCodeOf, exitCodes } from '../desk/exit-codes';
import { asJson, type CliProblem, explained, Failure, sentence } from '../desk/problems';
import type { Act, Define } from './command';
import { defineApprove } from './commands/approve';
import { defineBrake } from './commands/brake';
import { defineCompletion } from './commands/completion';
import { defineConfirmFenced } from './commands/confirm-fenced';
import { defineDoctor } from './commands/doctor';
import { defineDrill } from './commands/drill';
import { defineExplain } from './commands/explain';
import { defineFail } from './commands/fail';
import { defineFailback } from './commands/failback';
import { defineFailover } from './commands/failover';
import { defineHistory } from './commands/history';
import { defineHold } from './commands/hold';
import { defineLs } from './commands/ls';
import { definePause } from './commands/pause';
import { definePolicy } from './commands/policy';
import { defineRecover } from './commands/recover';
import { defineReport } from './commands/report';
import { defineResume } from './commands/resume';
import { defineStart } from './commands/start';
import { defineStatus } from './commands/status';
import { defineSwitch } from './commands/switch';
import { defineWatch } from './commands/watch';
import type { createScreen, Screen, Streams } from './output';

export interface World extends Streams {
  openDesk(stack: string): Desk;
  openScreen: typeof createScreen;
  defaultStack: string;
  /** For messages: endpoint or region. */
  where: string;
  user: string;
  version: string;
  interrupted: () => boolean;
}

interface GlobalOptions {
  stack: string;
  json?: boolean;
}

const verbs: readonly Define[] = [
  defineLs,
  defineStatus,
  defineExplain,
  defineDoctor,
  defineSwitch,
  defineFailover,
  defineFailback,
  defineConfirmFenced,
  defineApprove,
  defineRecover,
  defineHold,
  definePolicy,
  defineBrake,
  defineDrill,
  defineFail,
  defineHistory,
  defineReport,
  defineWatch,
  defineStart,
  definePause,
  defineResume,
];

const exitCodeHelp = `
Exit codes: 0 done, 1 failed, 2 usage, 3 refused (nothing was changed), 4 not authorised, 5 unreachable, 8 in progress.
Credentials, region and endpoint: the standard AWS environment (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL).`;

export function createProgram(world: World, act: Act): Command {
  const program = new Command('mainstay')
    .description('Failover control plane: one main, some backups, and a written answer to what happened.')
    .version(world.version)
    .option('--stack <name>', 'deployed stack (MAINSTAY_STACK)', world.defaultStack)
    .option('--json', 'one JSON document on stdout, errors too')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: world.out, writeErr: world.err, outputError: () => undefined })
    .addHelpText('after', exitCodeHelp)
    .exitOverride();
  for (const define of verbs) define(program, act);
  defineCompletion(program, () => screenOf(program, world));
  return program;
}

const screenOf = (program: Command, world: World): Screen =>
  world.openScreen(world, program.opts<GlobalOptions>().json ?? false);

/** `args` without node and script. Never throws and never exits. */
export async function runCli(args: readonly string[], world: World): Promise<number> {
  const program = createProgram(world, async (run) => {
    const { stack } = program.opts<GlobalOptions>();
    const { user, interrupted, where } = world;
    const told = (problem: CliProblem) => explained(problem, { stack, where });
    await run({ desk: world.openDesk(stack), screen: screenOf(program, world), user, interrupted, explained: told });
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError && isHelp(error))
      return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const { stack } = program.opts<GlobalOptions>();
    const verb = args.find((arg) => program.commands.some((command) => command.name() === arg));
    const problem = explained(problemFrom(error, verb), { stack, where: world.where });
    const shown = error instanceof Failure && error.shown;
    if (!shown)
      print(problem, { json: args.includes('--json'), isLine: verb === 'watch' || args.includes('--watch') }, world);
    return exitCodeOf(problem.code);
  }
}

const isHelp = ({ code }: CommanderError): boolean =>
  code === 'commander.help' || code === 'commander.helpDisplayed' || code === 'commander.version';

/** `isLine`: it comes after the lines of a stream, and is read as one. */
function print(problem: CliProblem, { json, isLine }: { json: boolean; isLine: boolean }, world: World): void {
  if (json) world.out(`${JSON.stringify(asJson(problem), null, isLine ? 0 : 2)}\n`);
  else world.err(`${sentence(problem)}\n`);
}

function problemFrom(error: unknown, verb: string | undefined): CliProblem {
  if (error instanceof Failure) return error.problem;
  if (error instanceof CommanderError) return usage(error.message, verb);
  const { stack, message } = error instanceof Error ? error : new Error(String(error));
  return {
    code: 'Bug',
    message: `this is a fault of mainstay: ${message}`,
    next: `report it with this: ${stack}`,
    cause: error,
  };
}

/** Commander says `error: unknown command 'swich'` and, on a second line, what it may have been. */
function usage(text: string, verb: string | undefined): CliProblem {
  const [, message = text, suggestion] = /^error: (.*?)(?:\n\(Did you mean (.*?)\?\))?$/s.exec(text.trim()) ?? [];
  const help = `mainstay ${verb ? `${verb} ` : ''}--help`;
  return { code: 'Usage', message, next: suggestion ? `did you mean ${suggestion}? see: ${help}` : `see: ${help}` };
}
