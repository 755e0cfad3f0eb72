import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readSettings, UnusableSettings } from './read-settings.js';
import { SETTING_DEFINITIONS } from './settings.js';

const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof UnusableSettings) return error.problems;
    throw error;
  }
  return [];
};

describe('settings', () => {
  it('stand at their defaults in an empty environment', () => {
    expect(readSettings({})).toMatchObject({
      port: 8080,
      webhookPort: 8443,
      host: '127.0.0.1',
      databaseUrl: null,
      kubeconfig: null,
      defaultMode: 'advise',
      dcgmTargets: [],
      dcgmDiscovery: true,
    });
  });

  it('take an empty variable for an unset one', () => {
    expect(readSettings({ PORT: '', DATABASE_URL: '' })).toMatchObject({ port: 8080, databaseUrl: null });
  });

  it('read lists, numbers and switches', () => {
    const settings = readSettings({
      PORT: '0',
      PLIMSOLL_DCGM_TARGETS: 'http://a:9400/metrics, http://b:9400/metrics',
      PLIMSOLL_DCGM_DISCOVERY: 'false',
    });
    expect(settings.port).toBe(0);
    expect(settings.dcgmTargets).toEqual(['http://a:9400/metrics', 'http://b:9400/metrics']);
    expect(settings.dcgmDiscovery).toBe(false);
  });

  it('name the variable and the remedy, all problems at once', () => {
    const problems = problemsOf({ PORT: 'eighty', PLIMSOLL_DEFAULT_MODE: 'strict' });
    expect(problems).toEqual([
      'PORT: "eighty" is not usable. It takes a port, 0 to 65535; 0 takes any free one; unset it for the default.',
      'PLIMSOLL_DEFAULT_MODE: "strict" is not usable. It takes `off`, `advise` or `enforce`; unset it for the default.',
    ]);
  });

  it('never show the database URL', () => {
    expect(problemsOf({ DATABASE_URL: 'mysql://root:hunter2@db' }).join()).not.toContain('hunter2');
  });

  it('refuse an open REST API without authentication', () => {
    expect(problemsOf({ PLIMSOLL_HOST: '0.0.0.0' })[0]).toContain('PLIMSOLL_API_AUTH=token-review');
    expect(problemsOf({ PLIMSOLL_HOST: '127.3.2.1' })).toEqual([]);
    expect(problemsOf({ PLIMSOLL_HOST: '::1' })).toEqual([]);
  });

  it('refuse a certificate without its key, and a context without its kubeconfig', () => {
    expect(problemsOf({ PLIMSOLL_TLS_CERT_FILE: '/c' })[0]).toContain('PLIMSOLL_TLS_KEY_FILE');
    expect(problemsOf({ PLIMSOLL_CONTEXT: 'prod' })[0]).toContain('PLIMSOLL_KUBECONFIG');
  });

  it('fail with UnusableSettings or not at all, whatever a variable holds', () => {
    const variables = Object.values(SETTING_DEFINITIONS).map((definition) => definition.variable);
    fc.assert(
      fc.property(fc.constantFrom(...variables), fc.string(), (name, text) => {
        expect(Array.isArray(problemsOf({ [name]: text }))).toBe(true);
      }),
    );
  });
});
