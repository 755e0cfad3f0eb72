import { startFleet } from '../../test/builders/fleet-server.js';

/** Exporters in a process of their own, so that their work is not counted as that of the collector. Ends with its input. */
const fleet = await startFleet();
process.stdout.write(`${fleet.port}\n`);
process.stdin.on('end', () => void fleet.close()).resume();
