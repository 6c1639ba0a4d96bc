// skerry completion <shell>: a script for the shell, which asks `skerry completion --words …` for what may come next.

import { type Command, ExitCode, UsageError } from './command.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_skerry() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(skerry completion --words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _skerry skerry
`,
  zsh: `#compdef skerry
_skerry() {
  local -a found
  found=(\${(f)"$(skerry completion --words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _skerry skerry
`,
  fish: `complete -c skerry -f -a '(skerry completion --words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c skerry -n '__fish_seen_subcommand_from run dev' -F
`,
};

/** What it completes with. */
export interface Commands {
  readonly names: () => string[];
  readonly load: (name: string) => Promise<Command | undefined>;
}

export const makeCompletion = (names: Commands['names'], load: Commands['load']): Command => ({
  usage: 'skerry completion bash|zsh|fish',
  about: 'prints a script that completes commands, options and servers in your shell',
  options: { words: { type: 'boolean' } },
  words: [0, 64],
  help: [
    'bash: skerry completion bash >> ~/.bashrc; zsh: > a file of your $fpath named _skerry; fish: > ~/.config/fish/completions/skerry.fish',
  ],
  completes: 'shells',
  async execute(words, { words: asked }) {
    if (asked === true) {
      for (const candidate of await candidates(words, { names, load })) process.stdout.write(`${candidate}\n`);
      return ExitCode.ok;
    }
    const [shell = ''] = words;
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined || words.length !== 1)
      throw new UsageError(`completion takes one of: ${Object.keys(SCRIPTS).join(', ')}`);
    process.stdout.write(script);
    return ExitCode.ok;
  },
});

/** @param words typed so far, the last of them in part. */
async function candidates(words: readonly string[], { names, load }: Commands): Promise<string[]> {
  const [name = '', ...rest] = words;
  const current = words.at(-1) ?? '';
  const among = (all: readonly string[]) => all.filter((candidate) => candidate.startsWith(current));
  if (words.length <= 1) return among([...names(), 'help']);
  const command = await load(name);
  if (command === undefined) return name === 'help' && rest.length === 1 ? among(names()) : [];
  if (current.startsWith('-')) return among([...Object.keys(command.options), 'help'].map((option) => `--${option}`));
  if (rest.at(-2) === '-s' || rest.at(-2) === '--system') return among(await systems());
  switch (command.completes) {
    case 'servers':
    case 'replicas':
      return wordsOf(rest, command).length <= 1 ? among(await servers(rest, command.completes === 'replicas')) : [];
    case 'acts':
      return rest.length <= 1 ? among(['list', 'show', 'retry', 'drop']) : [];
    case 'shells':
      return among(Object.keys(SCRIPTS));
    default:
      return [];
  }
}

/** Without options and their values. */
function wordsOf(words: readonly string[], { options }: Command): string[] {
  const takesValue = (word: string | undefined) =>
    Object.entries(options).some(
      ([name, { type, short }]) => type === 'string' && (word === `--${name}` || word === `-${short}`),
    );
  return words.filter((word, at) => !word.startsWith('-') && !takesValue(words[at - 1]));
}

async function systems(): Promise<string[]> {
  const { runningSystems } = await import('./find-system.ts');
  return (await runningSystems()).map(({ name }) => name);
}

async function servers(words: readonly string[], withReplicas: boolean): Promise<string[]> {
  const { openOperator } = await import('./operator.ts');
  const at = words.findIndex((word) => word === '-s' || word === '--system');
  const operator = await openOperator(at === -1 ? undefined : words[at + 1]);
  try {
    const entries = (await operator.processes.list()).filter(({ name }) => name !== 'kernel' && name !== 'process');
    return [...new Set(entries.flatMap(({ name, replica }) => (withReplicas ? [name, `${name}.${replica}`] : [name])))];
  } finally {
    operator.close();
  }
}
