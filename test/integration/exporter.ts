import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An exporter on loopback that answers as told, and can be told otherwise. */
export interface TestExporter {
  url: string;
  scrapes: number;
  answer(listener: RequestListener): void;
  close(): Promise<void>;
}

export async function startExporter(listener: RequestListener): Promise<TestExporter> {
  let current = listener;
  const exporter = { scrapes: 0 } as TestExporter;
  const server: Server = createServer((request, response) => {
    exporter.scrapes += 1;
    current(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  exporter.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  exporter.answer = (next) => {
    current = next;
  };
  exporter.close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(() => done()));
  };
  return exporter;
}

export const text =
  (body: string): RequestListener =>
  (_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    response.end(body);
  };

/** Frame-buffer lines of one GPU as dcgm-exporter prints them. */
export function gpuLines(gpu: { node: string; index: number; free: number; used: number; model?: string }): string {
  const { node, index, free, used, model = 'NVIDIA A100-SXM4-80GB' } = gpu;
  const labels = `gpu="${index}",UUID="GPU-${node}-${index}",device="nvidia${index}",modelName="${model}",Hostname="${node}"`;
  return `DCGM_FI_DEV_FB_FREE{${labels}} ${free}\nDCGM_FI_DEV_FB_USED{${labels}} ${used}\n`;
}
