import type { Advisor } from '../../advisor/advisor.js';
import { createAdvisor } from '../../advisor/advisor.js';
import type { Facts } from '../../advisor/facts.js';
import { loadFacts } from '../../advisor/facts.js';
import { loadGrammars } from '../../advisor/load-grammars.js';

/** The advisor of one run of the command line, with the facts that it was made from. */
export async function startAdvisor(): Promise<{ advisor: Advisor; facts: Facts }> {
  const facts = loadFacts();
  return { advisor: createAdvisor({ facts, grammars: await loadGrammars() }), facts };
}
