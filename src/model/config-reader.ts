import type { ModelConfig, ResolvedModel } from './resolved-model.js';
import { UnsupportedModel } from './unsupported-model.js';

/** Largest size that any dimension of a model may have; beyond it a config is a mistake or an attack. */
const LARGEST_DIMENSION = 100_000_000;

const MOST_STAGES = 100;

/** Reads a `config.json`: synonyms and defaults of a family, and plain errors for what is missing or out of range. */
export class ConfigReader {
  private readonly config: ModelConfig;

  constructor(private readonly model: ResolvedModel) {
    this.config = model.config;
  }

  /** A size under the first of `names` that the config has; throws where there is none and no default. */
  size(names: string | readonly string[], fallback?: number): number {
    const value = this.find(names);
    if (value === undefined) return this.required(names, fallback);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > LARGEST_DIMENSION) {
      throw new UnsupportedModel(
        this.model.name,
        `${this.label(names)} must be a whole number, not ${JSON.stringify(value)}`,
      );
    }
    return value;
  }

  /** A size that may be absent or null. */
  optionalSize(names: string | readonly string[]): number | null {
    return this.find(names) === undefined ? null : this.size(names);
  }

  /** A list of sizes, one for each stage. */
  list(name: string, fallback: readonly number[]): readonly number[] {
    const value = this.config[name];
    return Array.isArray(value) ? this.sizes(name, Math.min(value.length, MOST_STAGES)) : fallback;
  }

  /** `count` sizes, one for each stage: a list in the config, or one number for all. */
  sizes(name: string, count: number, fallback?: number): readonly number[] {
    const value = this.config[name];
    if (!Array.isArray(value)) return new Array<number>(count).fill(this.size(name, fallback));
    const sizes = value.slice(0, count).map((_, i) => new ConfigReader(this.entry(value, i)).size('entry'));
    if (sizes.length === count) return sizes;
    throw this.unsupported(`${name} must have ${count} entries, not ${value.length}`);
  }

  number(names: string | readonly string[], fallback: number): number {
    const value = this.find(names);
    return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
  }

  flag(names: string | readonly string[], fallback: boolean): boolean {
    const value = this.find(names);
    return typeof value === 'boolean' ? value : fallback;
  }

  text(names: string | readonly string[], fallback: string): string {
    const value = this.find(names);
    return typeof value === 'string' ? value : fallback;
  }

  texts(name: string): readonly string[] {
    const value = this.config[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  }

  numbers(name: string): readonly number[] {
    const value = this.config[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'number') : [];
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  unsupported(reason: string): UnsupportedModel {
    return new UnsupportedModel(this.model.name, reason);
  }

  /** One entry of a list, under the list's name. */
  private entry(values: readonly unknown[], index: number): ResolvedModel {
    return { ...this.model, config: { entry: (values as ModelConfig['entry'][])[index]! } };
  }

  private find(names: string | readonly string[]): unknown {
    for (const name of typeof names === 'string' ? [names] : names) {
      const value = this.config[name];
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  }

  private required(names: string | readonly string[], fallback: number | undefined): number {
    if (fallback !== undefined) return fallback;
    throw new UnsupportedModel(this.model.name, `its configuration has no ${this.label(names)}`);
  }

  private label(names: string | readonly string[]): string {
    return typeof names === 'string' ? names : names[0]!;
  }
}
