// mainstay completion: a script for the shell that completes commands and options. Built from the program itself, so that
// it cannot fall behind. Reads nothing from the cloud: a Tab must not wait.

import type { Command } from 'commander';
import { failure } from '../../desk/problems';
import { examples } from '../command';
import type { Screen } from '../output';

const shells = ['bash', 'zsh'] as const;

export const defineCompletion = (program: Command, openScreen: () => Screen): void => {
  program
    .command('completion')
    .summary('print a completion script for bash or zsh')
    .description('Print a script that completes commands and options in your shell.')
    .argument('<shell>', shells.join(' | '))
    .addHelpText(
      'after',
      examples(['completion bash > /etc/bash_completion.d/mainstay', 'completion zsh > ~/.zfunc/_mainstay']),
    )
    .action((shell: string) => {
      const screen = openScreen();
      const script = completionScript(program, shell);
      screen.line(script);
      screen.document({ shell, script });
    });
};

/** Words that may follow `mainstay` and `mainstay VERB`. */
function words(program: Command): { verbs: string[]; optionsOf: (verb: string) => string[] } {
  const long = (command: Command | undefined) =>
    (command?.options ?? []).flatMap(({ long: name }) => (name ? [name] : []));
  return {
    verbs: program.commands.map((command) => command.name()),
    optionsOf: (verb) => [
      ...long(program.commands.find((command) => command.name() === verb)),
      ...long(program).filter((name) => name !== '--version'),
      '--help',
    ],
  };
}

function completionScript(program: Command, shell: string): string {
  const { verbs, optionsOf } = words(program);
  const cases = verbs.map((verb) => `    ${verb}) words="${optionsOf(verb).join(' ')}" ;;`).join('\n');
  const choose = `  case "$verb" in\n${cases}\n    *) words="${verbs.join(' ')} --help --version" ;;\n  esac`;
  if (shell === 'bash') return bash(choose);
  if (shell === 'zsh') return zsh(choose);
  throw failure('Usage', `there is no completion for '${shell}'`, `choose one of: ${shells.join(', ')}`);
}

const bash = (choose: string): string => `_mainstay() {
  local verb="" words
  [ "$COMP_CWORD" -gt 1 ] && verb="\${COMP_WORDS[1]}"
${choose}
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _mainstay mainstay
`;

const zsh = (choose: string): string => `#compdef mainstay
_mainstay() {
  local verb="" words_string
  local words_before=("\${words[@]}")
  (( CURRENT > 2 )) && verb="\${words_before[2]}"
${choose.replaceAll('words=', 'words_string=')}
  compadd -- \${=words_string}
}
compdef _mainstay mainstay
`;
