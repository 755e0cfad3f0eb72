import { beforeAll, describe, expect, it } from '@jest/globals';
import { installedGrammars, readManifest, scriptJob, setting } from '../../../test/builders/launch.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const read = (version: string | null, command: string): RunReading | undefined =>
  readManifest(scriptJob(`${version === null ? '' : `pip install trl==${version}\n`}${command}\n`), grammars)[0];
const trl = (version: string | null, words: string): RunReading | undefined =>
  read(version, `trl ${words} --model_name_or_path gpt2 --dataset_name d --output_dir o`);
const loss = (reading: RunReading | undefined): unknown => setting(reading, 'loss').value;

describe("the loss of TRL's trainers", () => {
  it('is chunked by default from the release that made it so', () => {
    expect(loss(trl('1.6.0', 'sft'))).toBe('standard');
    expect(loss(trl('1.7.0', 'sft'))).toBe('chunked');
    expect(loss(trl('1.14.0', 'dpo'))).toBe('standard');
    expect(loss(trl('1.15.0', 'dpo'))).toBe('chunked');
    expect(loss(trl('1.15.0', 'gkd'))).toBe('standard');
  });

  it('is what the configuration says, as long as that makes a difference', () => {
    expect(loss(trl('1.8.0', 'sft --loss_type nll'))).toBe('standard');
    expect(loss(trl('1.6.0', 'sft --loss_type chunked_nll'))).toBe('chunked');
    expect(loss(trl('1.15.0', 'sft --loss_type nll'))).toBe('chunked');
  });

  it("is Liger's where that is asked for, until the fused head took its place", () => {
    expect(loss(trl('1.8.0', 'sft --use_liger_kernel true'))).toBe('fused-linear');
    expect(loss(trl('1.15.0', 'sft --use_liger_kernel true'))).toBe('chunked');
  });

  it('is either where the release is not known', () => {
    expect(setting(trl(null, 'sft'), 'loss')).toMatchObject({
      value: 'chunked',
      evidence: { kind: 'assumed' },
      range: { low: 'chunked', high: 'standard' },
    });
  });

  it('is the same in a script of its own', () => {
    const source = `python - <<'EOF'
from trl import SFTConfig, SFTTrainer
SFTTrainer(model="gpt2", args=SFTConfig(per_device_train_batch_size=2), train_dataset=data).train()
EOF`;
    expect(loss(read('1.8.0', source))).toBe('chunked');
    expect(loss(read('1.5.0', source))).toBe('standard');
  });
});
