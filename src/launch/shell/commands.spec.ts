import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Container, LaunchFacts } from '../../workload/workload.js';
import type { Grammars } from '../grammars.js';
import { createGrammars } from '../grammars.js';
import type { ContainerCommands } from './commands.js';
import { containerCommands } from './commands.js';

const wasm = (name: string): Uint8Array => new Uint8Array(readFileSync(`node_modules/${name}`));

let grammars: Grammars;
beforeAll(async () => {
  grammars = await createGrammars({
    runtime: wasm('web-tree-sitter/web-tree-sitter.wasm'),
    bash: wasm('tree-sitter-bash/tree-sitter-bash.wasm'),
    python: wasm('tree-sitter-python/tree-sitter-python.wasm'),
  });
});

const PATH = 'spec.template.spec.containers[0]';

const container = (over: Partial<Container>): Container => ({
  name: 'train',
  path: PATH,
  init: false,
  image: null,
  command: [],
  args: [],
  workingDir: null,
  env: [],
  envFrom: [],
  mounts: [],
  devices: [],
  ...over,
});

const env = (values: Record<string, string>): Container['env'] =>
  Object.entries(values).map(([name, value], i) => ({ name, value, path: `${PATH}.env[${i}].value` }));

const NO_FACTS: LaunchFacts = {
  processesPerPod: null,
  nodes: null,
  nodesUnresolved: [],
  worldSize: null,
  env: {},
  startedBy: null,
  statements: [],
};

function read(over: Partial<Container>, data: Record<string, Record<string, string>> = {}): ContainerCommands {
  return containerCommands(container(over), NO_FACTS, { files: { configMap: (name) => data[name] }, grammars });
}

const script = (text: string, over: Partial<Container> = {}): string[] =>
  read({ command: ['bash', '-c'], args: [text], ...over }).commands.map((c) => c.words.map((w) => w.text).join(' | '));

describe('words of exec-form commands', () => {
  it('expands $(VAR) from the environment and keeps the place of the value', () => {
    const { commands } = read({
      command: ['python', 'train.py'],
      args: ['--batch_size', '$(BATCH)', '--lr=$(LR)', '$$(BATCH)', '$(NOBODY)'],
      env: env({ BATCH: '16', LR: '1e-4' }),
    });
    const words = commands[0]?.words ?? [];
    expect(words.map((w) => w.text)).toEqual([
      'python',
      'train.py',
      '--batch_size',
      '16',
      '--lr=1e-4',
      '$(BATCH)',
      '$(NOBODY)',
    ]);
    expect(words[3]?.place()).toEqual({
      document: 'manifest',
      path: `${PATH}.env[0].value`,
      span: { start: 0, end: 2 },
      text: '16',
    });
    expect(words[4]?.slice(5).place()?.path).toBe(`${PATH}.env[1].value`);
  });

  it('ends references that go in circles', () => {
    const { env: seen } = read({ env: env({ A: '$(B)', B: '$(A)', C: '$(B)$(B)' }), command: ['x'] });
    expect(seen.get('C')?.text).toBe('$(B)$(B)');
  });

  it('names what envsubst or a chart has left open', () => {
    const { commands } = read({
      command: ['torchrun', '--nproc_per_node=$GPU_PER_NODE', 'a.py', '--bs={{ .Values.bs }}'],
    });
    const words = commands[0]?.words ?? [];
    expect(words[1]?.unresolved).toEqual(['$GPU_PER_NODE is not filled in (envsubst or a script does that)']);
    expect(words[3]?.unresolved).toEqual(['template {{ .Values.bs }} is not filled in']);
  });

  it('says what a value from a Secret is', () => {
    const { commands } = read({
      command: ['python', 't.py', '--token=$(T)'],
      env: [{ name: 'T', value: null, from: 'secret', path: `${PATH}.env[0]` }],
    });
    expect(commands[0]?.words[2]?.unresolved).toEqual(['T comes from a Secret']);
  });
});

describe('shell scripts', () => {
  it('joins continued lines and keeps the span of a value inside the script', () => {
    const text = 'set -e\ntorchrun --nproc_per_node=8 \\\n  train.py \\\n  --batch_size "4"\n';
    const { commands } = read({ command: ['bash', '-c', text] });
    const words = commands[0]?.words ?? [];
    expect(words.map((w) => w.text)).toEqual(['torchrun', '--nproc_per_node=8', 'train.py', '--batch_size', '4']);
    const at = text.indexOf('"4"') + 1;
    expect(words[4]?.place()).toMatchObject({ path: `${PATH}.command[2]`, span: { start: at, end: at + 1 } });
  });

  it('follows assignments, defaults and arithmetic', () => {
    const text = 'N=2; G=${GPUS:-8}\nexport W=$((N * G))\npython a.py --world=$W --x="${MISSING:-y z}"';
    expect(script(text)).toEqual(['python | a.py | --world=16 | --x=y z']);
  });

  it('splits unquoted variables to words and keeps arrays apart', () => {
    const text = 'A="--a 1 --b 2"\nB=(--c "x y")\nB+=(--d)\npython t.py $A "${B[@]}" "$A"';
    expect(script(text)).toEqual(['python | t.py | --a | 1 | --b | 2 | --c | x y | --d | --a 1 --b 2']);
  });

  it('reads heredocs as files, with and without expansion', () => {
    const text =
      'Z=3\ncat <<EOF > /tmp/ds.json\n{"zero": $Z}\nEOF\ncat > /tmp/b.py <<\'PY\'\nx = "$Z"\nPY\npython /tmp/b.py';
    const { files } = read({ command: ['bash', '-c', text] });
    const found = (path: string): string | undefined => {
      const file = files.read(path, null);
      return 'content' in file ? file.content.text : undefined;
    };
    expect(found('/tmp/ds.json')).toBe('{"zero": 3}\n');
    expect(found('/tmp/b.py')).toBe('x = "$Z"\n');
  });

  it('takes the branch that the environment decides and marks what stays open', () => {
    const text =
      'if [ "$MODE" = "full" ]; then X=1; else X=2; fi\nif [ -d /x ]; then Y=1; else Y=2; fi\npython t.py --x=$X --y=$Y';
    const { commands } = read({ command: ['sh', '-c', text], env: env({ MODE: 'full' }) });
    expect(commands[0]?.words.map((w) => w.text)).toEqual(['python', 't.py', '--x=1', '--y=$Y']);
    expect(commands[0]?.words[3]?.unresolved).toEqual(['$Y depends on a condition in the script']);
  });

  it('goes into nested shells, eval, functions, loops and prefixes', () => {
    const text = `run() { nohup python "$1" --n $#; }
run a.py
for i in {1..2}; do bash -lc "exec env A=1 python b.py --seed $i"; done
CMD="python c.py --q"; eval "$CMD 1" 2>&1 | tee log
sleep 5 && timeout -s INT 1h python d.py || exit 1`;
    expect(script(text)).toEqual([
      'python | a.py | --n | 1',
      'python | b.py | --seed | 1',
      'python | b.py | --seed | 2',
      'python | c.py | --q | 1',
      'tee | log',
      'sleep | 5',
      'python | d.py',
    ]);
  });

  it('follows scripts that lie in mounted ConfigMaps, with their arguments', () => {
    const { commands } = read(
      {
        command: ['/scripts/launch.sh', '--extra'],
        mounts: [{ mountPath: '/scripts', subPath: null, source: { kind: 'configmap', name: 'scripts', items: null } }],
      },
      {
        scripts: { 'launch.sh': '#!/bin/bash\nsource /scripts/vars\npython train.py --bs $BS "$@"\n', vars: 'BS=7\n' },
      },
    );
    expect(commands[0]?.words.map((w) => w.text)).toEqual(['python', 'train.py', '--bs', '7', '--extra']);
    expect(commands[0]?.words[3]?.place()).toEqual({
      document: 'configmap/scripts/vars',
      path: '',
      span: { start: 3, end: 4 },
      text: '7',
    });
  });

  it('gives the text of a program that stands on standard input', () => {
    const { commands } = read({ command: ['bash', '-c', "python - <<'PY'\nprint(1)\nPY\n"] });
    expect(commands[0]?.stdin?.text).toBe('print(1)\n');
  });

  it('names the output of commands and unset variables', () => {
    const { commands } = read({
      command: ['bash', '-c', 'torchrun --nproc_per_node=$(nvidia-smi -L | wc -l) t.py --m $M'],
    });
    expect(commands[0]?.words[1]?.unresolved).toEqual(['$(nvidia-smi -L | wc -l) is the output of a command']);
    expect(commands[0]?.words[4]?.unresolved[0]).toContain('$M is not set in the manifest');
  });

  it('leaves templates inside scripts whole', () => {
    expect(script('python t.py --bs {{ .Values.train.bs }} --lr 1')).toEqual([
      'python | t.py | --bs | {{ .Values.train.bs }} | --lr | 1',
    ]);
  });
});

describe('hostile scripts', () => {
  it('stops text that doubles itself', () => {
    const text = `A=aaaaaaaaaa\n${'A=$A$A\n'.repeat(60)}python t.py --a $A`;
    const { notes } = read({ command: ['bash', '-c', text] });
    expect(notes).toEqual(['the script expands to too much text']);
  });

  it('stops functions that call themselves and scripts that source themselves', () => {
    const text = 'f() { f; f; }\nf\npython t.py';
    expect(script(text)).toEqual(['python | t.py']);
    const own = read(
      {
        command: ['bash', '/s/a.sh'],
        mounts: [{ mountPath: '/s', subPath: null, source: { kind: 'configmap', name: 'c', items: null } }],
      },
      { c: { 'a.sh': '. /s/a.sh; . /s/a.sh; bash /s/a.sh' } },
    );
    expect(own.notes.length).toBeGreaterThan(0);
  });

  it('refuses brackets without end', () => {
    const { notes } = read({ command: ['bash', '-c', '((((['.repeat(10_000)] });
    expect(notes).toEqual(['a script of 50000 characters is too deeply nested and was not read']);
  });

  it('never throws, whatever the text', () => {
    const piece = fc.constantFrom(
      '$',
      '{',
      '}',
      '(',
      ')',
      '"',
      "'",
      '`',
      '\\',
      '\n',
      '<<',
      'EOF',
      'if',
      'fi',
      'A=',
      ';',
      '&&',
      '|',
      '[',
      ']',
      '-',
      ' ',
      '#',
      'x',
      '${A:-',
      '$((',
      '{{',
      '}}',
      '*',
      '@',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.string(), (pieces, text) => {
        const outcome = read({
          command: ['bash', '-c', pieces.join('') + text],
          args: [text],
          env: env({ A: text, B: pieces.join('') }),
        });
        expect(Array.isArray(outcome.commands)).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });
});
