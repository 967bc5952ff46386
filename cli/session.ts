// What a command's `run` is given beside its options: the desk, the screen, and who sits before it.

import type { Desk } from '../desk/desk';
import type { CliProblem } from '../desk/problems';
import type { Screen } from './output';

export interface Session {
  desk: Desk;
  screen: Screen;
  /** Name of the operating system's user: the default of --by. */
  user: string;
  /** True once Ctrl-C was pressed: whoever waits stops waiting and says what goes on. */
  interrupted: () => boolean;
  /** The problem as it is told at the end of a command, for those that go on. */
  explained: (problem: CliProblem) => CliProblem;
}
