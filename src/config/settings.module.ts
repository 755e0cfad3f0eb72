import { type DynamicModule, Module } from '@nestjs/common';
import type { SettingValues } from './settings.js';

/** Injection token of the SettingValues. */
export const SETTINGS = Symbol('settings');

/** Makes the settings injectable everywhere. */
@Module({})
export class SettingsModule {
  static with(settings: SettingValues): DynamicModule {
    const provider = { provide: SETTINGS, useValue: settings };
    return { module: SettingsModule, global: true, providers: [provider], exports: [provider] };
  }
}
