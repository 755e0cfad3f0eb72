/** A Job that fine-tunes GPT-2 with the Trainer's language-modelling example, on one GPU. */
export interface TrainingJob {
  name?: string;
  generateName?: string;
  namespace: string;
  /** Goes onto the command line: what decides the memory. */
  batchSize?: number;
  model?: string;
  annotations?: Record<string, string>;
  suspend?: boolean;
  /** `nvidia.com/gpu.product` of the node. */
  product?: string;
}

export function trainingJob({ namespace, batchSize = 4, model = 'gpt2', ...job }: TrainingJob): object {
  const container = {
    name: 'train',
    image: 'huggingface/transformers-pytorch-gpu:4.46.0',
    command: ['python', 'run_clm.py'],
    args: [
      ...['--model_name_or_path', model, '--per_device_train_batch_size', String(batchSize), '--block_size', '1024'],
      ...['--fp16', '--do_train', '--output_dir', '/out'],
    ],
    resources: { limits: { 'nvidia.com/gpu': '1' } },
  };
  const nodeSelector = job.product === undefined ? undefined : { 'nvidia.com/gpu.product': job.product };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: job.name, generateName: job.generateName, namespace, annotations: job.annotations },
    spec: {
      suspend: job.suspend,
      template: { spec: { restartPolicy: 'Never', nodeSelector, containers: [container] } },
    },
  };
}
