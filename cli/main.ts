// Entry of the command `mainstay`: gives the program its arguments, streams and environment, and ends with its code.
// No logic: everything is in program.ts, where tests reach it.

import { userInfo } from 'node:os';
import { version } from '../package.json';
import { createScreen } from './output';
import { runCli, type World } from './program';
import { defaultStack, openDesk, whereFromEnvironment } from './wiring';

// The SDK's advice on Node versions is for those who build this, not for those who run it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** 128 + SIGINT: the second Ctrl-C does not ask. */
const killed = 130;
let interrupted = false;
let waiting = false;

const world: World = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
  openDesk,
  openScreen: createScreen,
  defaultStack: defaultStack(),
  where: whereFromEnvironment(),
  user: userInfo().username,
  version,
  interrupted: () => {
    // Only who waits asks; a command that does not wait simply ends at Ctrl-C.
    waiting = true;
    return interrupted;
  },
};

process.on('SIGINT', () => {
  if (interrupted || !waiting) process.exit(killed);
  interrupted = true;
});

// `mainstay ls | head -1` closes the pipe: nobody is left to read.
process.stdout.on('error', () => process.exit(0));

runCli(process.argv.slice(2), world).then((code) => {
  process.exitCode = code;
});
